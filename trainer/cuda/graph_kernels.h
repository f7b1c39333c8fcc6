#ifndef TAUD_TRAINER_CUDA_GRAPH_KERNELS_H_
#define TAUD_TRAINER_CUDA_GRAPH_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "trainer/cuda/mf_kernels.h"

// The kernels of learning through a graph on a GPU; sums have a fixed order.
// All pointers are to memory of the GPU, and all calls return at once.

namespace taud::trainer {

// A constant sparse matrix by rows, as SparseRows has it.
struct GpuGraph {
  uint32_t rows = 0;
  const uint32_t* begin = nullptr;  // [rows + 1]
  const uint32_t* columns = nullptr;
  const float* values = nullptr;
  // Rows with more than kLongRow entries, which a whole block sums.
  const uint32_t* long_rows = nullptr;
  uint32_t num_long = 0;
};
constexpr uint32_t kLongRow = 256;

struct GpuProduct {
  const float* x = nullptr;     // [rows × dim]
  const float* base = nullptr;  // [rows × dim]
  float scale = 1;
  const uint8_t* wanted = nullptr;   // as SparseRows::Product
  const uint8_t* nonzero = nullptr;  // the same
};

// y = scale · (base + S x) for a square matrix. dim <= kMaxGpuDim.
void Multiply(const GpuGraph& graph, const GpuProduct& product, int dim,
              float* y, cudaStream_t stream);

// Scales the rows that `wanted` marks (null: all) to unit norm, in place, and
// writes their norms.
void NormaliseRows(uint32_t rows, const uint8_t* wanted, int dim, float* values,
                   float* norms, cudaStream_t stream);

// flags[offset + ids[i]] = 1.
void MarkRows(const uint32_t* ids, uint32_t count, uint32_t offset,
              uint8_t* flags, cudaStream_t stream);

// One Adam step of free values, as AdamFree, if *failed is 0:
// values = *scale · values − the step; then *scale becomes what makes the mean
// square of the norms of `started` rows 1. `squares` [kScaleBlocks] is scratch.
constexpr int kScaleBlocks = 256;
struct GpuAdam {
  size_t count = 0;
  float rate = 0;         // learning rate ÷ (1 − β₁^t)
  float correction2 = 1;  // 1 ÷ (1 − β₂^t)
  double started = 1;
  const float* gradient = nullptr;  // [count]
  float* values = nullptr;          // [count]
  float* moment1 = nullptr;         // [count]
  float* moment2 = nullptr;         // [count]
  float* scale = nullptr;           // [1]
  const int32_t* failed = nullptr;  // [1]
  double* squares = nullptr;
};
void MoveFree(const GpuAdam& adam, cudaStream_t stream);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_GRAPH_KERNELS_H_
