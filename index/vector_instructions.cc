#include "index/vector_instructions.h"

#include <cblas.h>
#include <omp.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace taud::index {

void RestartWithVectorInstructions(char** argv) {
  constexpr char kVariable[] = "OPENBLAS_CORETYPE";
  constexpr char kFallback[] = "Prescott";
  if (std::getenv(kVariable) != nullptr) return;
  if (std::strcmp(openblas_get_corename(), kFallback) != 0) return;
  const char* kernels = nullptr;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels = "Haswell";
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    kernels = "SkylakeX";
  }
#endif
  if (kernels == nullptr) return;
  // Its own path, not /proc/self/exe: the process keeps its name.
  std::error_code error;
  const std::string self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return;
  setenv(kVariable, kernels, 1);
  execv(self.c_str(), argv);
  // Only if that failed: slower, and right.
}

void UseOneBlasThread() {
  openblas_set_num_threads(1);
  omp_set_num_threads(1);
}

}  // namespace taud::index
