#ifndef TAUD_TRAINER_CUDA_WARP_CUH_
#define TAUD_TRAINER_CUDA_WARP_CUH_

#include <cstddef>
#include <cstdint>

// What the kernels of learning share: a warp for each row.

namespace taud::trainer {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;
constexpr int kThreads = 256;  // of a block

// Adam's constants, as AdamStep.
constexpr float kBeta1 = 0.9f;
constexpr float kBeta2 = 0.999f;
constexpr float kEpsilon = 1e-8f;

__device__ inline float SumOfWarp(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(kAllLanes, x, step);
  }
  return x;
}

__device__ inline bool Bit(const uint32_t* bits, uint32_t i) {
  return bits[i / 32] >> (i % 32) & 1;
}

// Blocks of kThreads threads that have so many warps.
inline uint32_t WarpBlocks(size_t warps) {
  return static_cast<uint32_t>((warps * kLanes + kThreads - 1) / kThreads);
}

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_WARP_CUH_
