#ifndef TAUD_TRAINER_KERNELS_INSTRUCTION_SETS_H_
#define TAUD_TRAINER_KERNELS_INSTRUCTION_SETS_H_

// What the kernels of this room share that are compiled for several
// instruction sets. For kernels' .cc files only.

#define TAUD_INLINE inline __attribute__((always_inline))

namespace taud::trainer {

// Vectors of 4, 8 and 16 floats, a register of SSE, AVX2 and AVX-512, that may
// be loaded from any float's address.
using Vec4 = float __attribute__((vector_size(16), aligned(4), may_alias));
using Vec8 = float __attribute__((vector_size(32), aligned(4), may_alias));
using Vec16 = float __attribute__((vector_size(64), aligned(4), may_alias));

#if defined(__x86_64__)
// The one of the three that is for the best instructions this processor has:
// AVX-512 with DQ and VL, AVX2 with FMA, or what every x86-64 has. Any thread.
template <typename Kernel>
Kernel BestOf(Kernel generic, Kernel avx2, Kernel avx512) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return avx2;
  }
  return generic;
}
#endif

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_INSTRUCTION_SETS_H_
