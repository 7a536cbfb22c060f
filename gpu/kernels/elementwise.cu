// One thread per element, as many blocks as needed.

extern "C" __global__ void axpy_f32(unsigned long long n, float a, const float* x, float* y) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i < n) y[i] = fmaf(a, x[i], y[i]);
}

extern "C" __global__ void axpy_f64(unsigned long long n, double a, const double* x, double* y) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i < n) y[i] = fma(a, x[i], y[i]);
}

extern "C" __global__ void relu_f32(unsigned long long n, const float* x, float* y) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

// The usual approximation by a hyperbolic tangent (Hendrycks and Gimpel 2016).
extern "C" __global__ void gelu_f32(unsigned long long n, const float* x, float* y) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = x[i];
    y[i] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
}
