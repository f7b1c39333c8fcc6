#include "trainer/kernels/blas.h"

#include <cblas.h>

namespace taud::trainer {

void UseSingleThreadedBlas() { openblas_set_num_threads(1); }

void MatrixProduct(bool transpose_a, bool transpose_b, int64_t m, int64_t n,
                   int64_t k, const float* a, const float* b, float beta,
                   float* c) {
  if (m == 0 || n == 0) return;
  const auto size = [](int64_t value) { return static_cast<blasint>(value); };
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, size(m), size(n),
              size(k), 1.0f, a, size(transpose_a ? m : k), b,
              size(transpose_b ? k : n), beta, c, size(n));
}

}  // namespace taud::trainer
