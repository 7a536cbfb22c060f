// One thread per weight.

// Gradient descent with momentum (Polyak 1964).
extern "C" __global__ void momentum_f32(unsigned long long n, float rate, float momentum,
                                        const float* gradient, float* velocity, float* weight) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = fmaf(momentum, velocity[i], gradient[i]);
    velocity[i] = v;
    weight[i] = fmaf(-rate, v, weight[i]);
}

// Adam (Kingma and Ba 2015); `first` and `second` are 1 - beta1^t and 1 - beta2^t.
extern "C" __global__ void adam_f32(unsigned long long n, float rate, float beta1, float beta2,
                                    float epsilon, float first, float second,
                                    const float* gradient, float* mean, float* square,
                                    float* weight) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i >= n) return;
    float g = gradient[i];
    float m = beta1 * mean[i] + (1.0f - beta1) * g;
    float s = beta2 * square[i] + (1.0f - beta2) * g * g;
    mean[i] = m;
    square[i] = s;
    weight[i] -= rate * (m / first) / (sqrtf(s / second) + epsilon);
}
