// Rows of tokens on their way to experts and back; one block per row. An index outside of the
// source stands for a row of zeroes, so that no index can reach foreign memory.

// Row r of y is row index[r] of x, which has `limit` rows.
extern "C" __global__ void gather_rows_f32(unsigned columns, unsigned limit,
                                           const unsigned* index, const float* x, float* y) {
    unsigned from = index[blockIdx.x];
    unsigned long long to = blockIdx.x * (unsigned long long)columns;
    for (unsigned i = threadIdx.x; i < columns; i += blockDim.x)
        y[to + i] = from < limit ? x[from * (unsigned long long)columns + i] : 0.0f;
}

// Row t of y is the weighted sum of the `top` rows slots[t, ...] of x: a scatter without atomics, so
// that it adds in the same order every time.
extern "C" __global__ void combine_rows_f32(unsigned columns, unsigned limit, unsigned top,
                                            const unsigned* slots, const float* weights,
                                            const float* x, float* y) {
    unsigned long long token = blockIdx.x;
    for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) {
        float sum = 0.0f;
        for (unsigned k = 0; k < top; k++) {
            unsigned from = slots[token * top + k];
            if (from < limit)
                sum = fmaf(weights[token * top + k], x[from * (unsigned long long)columns + i], sum);
        }
        y[token * columns + i] = sum;
    }
}
