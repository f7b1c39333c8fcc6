#ifndef TAUD_TRAINER_KERNELS_BLAS_H_
#define TAUD_TRAINER_KERNELS_BLAS_H_

#include <cstdint>

namespace taud::trainer {

// Makes every OpenBLAS call of the process run on the thread that makes it.
// OpenBLAS' own pool is global: with it, a search of the server would wait for
// a product of the trainer. Parallelism comes from above. Any thread; cheap.
void UseSingleThreadedBlas();

// Row-major C[m × n] = A·B + beta·C, with A [m × k] (or, transposed, [k × m])
// and B [k × n] (or, transposed, [n × k]), all without padding. Any thread.
void MatrixProduct(bool transpose_a, bool transpose_b, int64_t m, int64_t n,
                   int64_t k, const float* a, const float* b, float beta,
                   float* c);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_BLAS_H_
