#include "trainer/blas.h"

#include <cblas.h>

#include <cstdlib>
#include <cstring>

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

const char* BetterBlasKernels() {
  constexpr char kFallback[] = "Prescott";
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) return nullptr;
  if (std::strcmp(openblas_get_corename(), kFallback) != 0) return nullptr;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return "Haswell";
  }
#endif
  return nullptr;
}

}  // namespace taud::trainer
