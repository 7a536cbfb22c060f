// Kernels of given length: blocks and threads say how much of the device they take.

// Every thread waits until so many nanoseconds have passed on the device's timer.
extern "C" __global__ void spin(unsigned long long length_ns) {
    unsigned long long begin, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    } while (now - begin < length_ns);
}

// Reads x and writes y as often as asked: y = x + the number of the pass, the last one stays.
extern "C" __global__ void sweep_f32(unsigned long long n, unsigned passes, const float* x,
                                     float* y) {
    unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;
    for (unsigned pass = 0; pass < passes; pass++)
        for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < n;
             i += step)
            y[i] = x[i] + (float)pass;
}
