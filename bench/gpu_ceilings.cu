#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstdio>

#include "bench/gpu_ceilings.h"

namespace taud::bench {
namespace {

constexpr int kBlocks = 132 * 4;
constexpr int kThreads = 256;
constexpr int kRounds = 4096;

__global__ void HalfKernel(float* out) {
  // Eight products under way for each warp.
  float c[8][4] = {};
  const uint32_t x = 0x3c003c00u + threadIdx.x;  // about 1, not all alike
  for (int round = 0; round < kRounds; ++round) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
          "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
          : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
          : "r"(x), "r"(x + i), "r"(x), "r"(x), "r"(x), "r"(x + i));
    }
  }
  float sum = 0;
  for (int i = 0; i < 8; ++i) sum += c[i][0] + c[i][1] + c[i][2] + c[i][3];
  if (sum == 12345.0f) *out = sum;  // never: keeps the products
}

__global__ void FloatKernel(float* out, float factor) {
  float c[16];
  for (int i = 0; i < 16; ++i) c[i] = threadIdx.x + i;
  for (int round = 0; round < kRounds; ++round) {
#pragma unroll
    for (int i = 0; i < 16; ++i) c[i] = c[i] * factor + 0.5f;
  }
  float sum = 0;
  for (int i = 0; i < 16; ++i) sum += c[i];
  if (sum == 12345.0f) *out = sum;
}

// The best of five, seconds.
template <typename Work>
double Seconds(Work work) {
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  double best = 1e30;
  for (int run = 0; run < 6; ++run) {
    cudaEventRecord(begin);
    work();
    cudaEventRecord(end);
    cudaEventSynchronize(end);
    float milliseconds = 0;
    cudaEventElapsedTime(&milliseconds, begin, end);
    if (run > 0 && milliseconds / 1e3 < best) best = milliseconds / 1e3;
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}

}  // namespace

GpuCeilings MeasureCeilings() {
  GpuCeilings ceilings;
  constexpr size_t kBytes = size_t{1} << 30;
  char* from = nullptr;
  char* to = nullptr;
  if (cudaMalloc(&from, kBytes) != cudaSuccess ||
      cudaMalloc(&to, kBytes) != cudaSuccess) {
    std::fprintf(stderr, "no room for 2 GiB on the GPU\n");
    return ceilings;
  }
  cudaMemset(from, 1, kBytes);
  ceilings.copy_bytes_per_second =
      2.0 * kBytes / Seconds([&] {
        cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice);
      });
  float* const out = reinterpret_cast<float*>(to);
  const double warps = double{kBlocks} * kThreads / 32;
  ceilings.half_ops_per_second =
      warps * kRounds * 8 * (16 * 8 * 16 * 2) /
      Seconds([&] { HalfKernel<<<kBlocks, kThreads>>>(out); });
  ceilings.float_ops_per_second =
      double{kBlocks} * kThreads * kRounds * 16 * 2 /
      Seconds([&] { FloatKernel<<<kBlocks, kThreads>>>(out, 0.999f); });
  cudaFree(from);
  cudaFree(to);
  return ceilings;
}

}  // namespace taud::bench
