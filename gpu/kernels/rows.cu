// One block of 256 threads per row of a matrix stored by row.

static const int THREADS = 256;

__device__ float block_sum(float value, float* shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    float sum = shared[0];
    __syncthreads();
    return sum;
}

__device__ float block_max(float value, float* shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            shared[threadIdx.x] = fmaxf(shared[threadIdx.x], shared[threadIdx.x + half]);
        __syncthreads();
    }
    float most = shared[0];
    __syncthreads();
    return most;
}

extern "C" __global__ void row_sums_f32(unsigned columns, const float* x, float* y) {
    __shared__ float shared[THREADS];
    const float* row = x + blockIdx.x * (unsigned long long)columns;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < columns; i += THREADS) sum += row[i];
    sum = block_sum(sum, shared);
    if (threadIdx.x == 0) y[blockIdx.x] = sum;
}

extern "C" __global__ void softmax_rows_f32(unsigned columns, const float* x, float* y) {
    __shared__ float shared[THREADS];
    unsigned long long first = blockIdx.x * (unsigned long long)columns;
    float most = -__int_as_float(0x7f800000);
    for (unsigned i = threadIdx.x; i < columns; i += THREADS) most = fmaxf(most, x[first + i]);
    most = block_max(most, shared);
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < columns; i += THREADS) sum += expf(x[first + i] - most);
    sum = block_sum(sum, shared);
    for (unsigned i = threadIdx.x; i < columns; i += THREADS)
        y[first + i] = expf(x[first + i] - most) / sum;
}
