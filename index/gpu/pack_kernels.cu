#include <cuda_fp16.h>

#include "index/gpu/search_kernels.h"

namespace taud::index {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

__device__ uint32_t HalvesOf(float low, float high) {
  const __half2 both = __floats2half2_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&both);
}

// Two columns of a row that is shorter than what it is padded to.
__device__ uint32_t TwoColumns(const float* row, uint32_t column,
                               uint32_t dim) {
  const float low = column < dim ? row[column] : 0.0f;
  const float high = column + 1 < dim ? row[column + 1] : 0.0f;
  return HalvesOf(low, high);
}

// The operand B of m16n8k16 for each tile, two steps of 16 columns to a word:
// lane l holds the columns 2 · (l % 4) and 8 more of row l / 4.
__global__ void PackTilesKernel(const float* values, RowLayout layout,
                                uint32_t dim, uint4* halves) {
  const size_t word = size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (word >= layout.words()) return;
  const uint32_t lane = word % kLanes;
  const uint32_t pair = word / kLanes % (layout.depth / 2);
  const uint32_t tile = static_cast<uint32_t>(word / layout.tile_words());
  const uint32_t row = min(layout.Row(tile, lane / 4), layout.rows - 1);
  const float* from = values + size_t{row} * dim;
  const uint32_t column = pair * 32 + 2 * (lane % 4);
  halves[word] = make_uint4(
      TwoColumns(from, column, dim), TwoColumns(from, column + 8, dim),
      TwoColumns(from, column + 16, dim), TwoColumns(from, column + 24, dim));
}

__global__ void PackExactKernel(const float* values, uint32_t rows,
                                uint32_t dim, uint32_t quads, float4* exact) {
  const size_t word = size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const size_t words = size_t{(rows + 31) / 32} * quads * 32;
  if (word >= words) return;
  const uint32_t row =
      static_cast<uint32_t>(word / (size_t{quads} * 32)) * 32 + word % 32;
  const uint32_t column = word / 32 % quads * 4;
  float x[4] = {0, 0, 0, 0};
  if (row < rows) {
    for (uint32_t c = 0; c < 4 && column + c < dim; ++c) {
      x[c] = values[size_t{row} * dim + column + c];
    }
  }
  exact[word] = make_float4(x[0], x[1], x[2], x[3]);
}

__device__ float SumOfWarp(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(kAllLanes, x, step);
  }
  return x;
}

// The norm of a row, and of what half precision loses of it, rounded up.
__device__ float2 BoundsOf(const float* row, uint32_t dim, uint32_t lane) {
  float norm = 0;
  float lost = 0;
  for (uint32_t c = lane; c < dim; c += kLanes) {
    const float x = row[c];
    const float difference = x - __half2float(__float2half_rn(x));
    norm += x * x;
    lost += difference * difference;
  }
  return make_float2(sqrtf(SumOfWarp(norm)) * 1.00001f,
                     sqrtf(SumOfWarp(lost)) * 1.00001f);
}

__global__ void RowBoundsKernel(const float* values, uint32_t rows,
                                uint32_t dim, float* bounds) {
  const uint32_t row = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (row >= rows) return;
  const float2 own =
      BoundsOf(values + size_t{row} * dim, dim, threadIdx.x % kLanes);
  if (threadIdx.x % kLanes != 0) return;
  // Floats that are not negative have the order of their bits.
  atomicMax(reinterpret_cast<int*>(bounds), __float_as_int(own.x));
  atomicMax(reinterpret_cast<int*>(bounds) + 1, __float_as_int(own.y));
}

// The operand A of m16n8k16: lane l holds columns 2 · (l % 4) and 8 more of
// the queries l / 4 and 8 more.
__global__ void PackQueriesKernel(const float* vectors, uint32_t count,
                                  uint32_t dim, uint32_t depth, uint4* halves) {
  const uint32_t word = blockIdx.x * blockDim.x + threadIdx.x;
  if (word >= (count + 15) / 16 * depth * kLanes) return;
  const uint32_t lane = word % kLanes;
  const uint32_t step = word / kLanes % depth;
  const uint32_t first = word / (depth * kLanes) * 16 + lane / 4;
  const uint32_t column = step * 16 + 2 * (lane % 4);
  const float* upper = vectors + size_t{min(first, count - 1)} * dim;
  const float* lower = vectors + size_t{min(first + 8, count - 1)} * dim;
  halves[word] = make_uint4(
      TwoColumns(upper, column, dim), TwoColumns(lower, column, dim),
      TwoColumns(upper, column + 8, dim), TwoColumns(lower, column + 8, dim));
}

__global__ void QueryBoundsKernel(const float* vectors, uint32_t count,
                                  uint32_t dim, float* bounds) {
  const uint32_t query = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (query >= count) return;
  const float2 own =
      BoundsOf(vectors + size_t{query} * dim, dim, threadIdx.x % kLanes);
  if (threadIdx.x % kLanes != 0) return;
  bounds[2 * query] = own.x;
  bounds[2 * query + 1] = own.y;
}

__global__ void FilterToRowsKernel(const uint64_t* words, uint32_t item_words,
                                   const uint32_t* item_of_row, uint32_t rows,
                                   uint32_t* filter) {
  const uint32_t row = blockIdx.x * blockDim.x + threadIdx.x;
  bool allowed = false;
  if (row < rows) {
    const uint32_t item = item_of_row[row];
    allowed = item / 64 < item_words && (words[item / 64] >> (item % 64)) & 1;
  }
  const uint32_t word = __ballot_sync(kAllLanes, allowed);
  if (row % kLanes == 0 && row < rows) filter[row / kLanes] = word;
}

uint32_t Blocks(size_t work, uint32_t threads) {
  return static_cast<uint32_t>((work + threads - 1) / threads);
}

}  // namespace

void PackRows(const float* values, const GpuRows& rows, cudaStream_t stream) {
  const uint32_t count = rows.layout.rows;
  cudaMemsetAsync(rows.bounds, 0, 2 * sizeof(float), stream);
  PackTilesKernel<<<Blocks(rows.layout.words(), 256), 256, 0, stream>>>(
      values, rows.layout, rows.dim, rows.halves);
  PackExactKernel<<<Blocks(size_t{(count + 31) / 32} * rows.quads * 32, 256),
                    256, 0, stream>>>(values, count, rows.dim, rows.quads,
                                      rows.exact);
  RowBoundsKernel<<<Blocks(size_t{count} * kLanes, 256), 256, 0, stream>>>(
      values, count, rows.dim, rows.bounds);
}

void FilterToRows(const GpuRows& rows, const uint64_t* words,
                  uint32_t item_words, uint32_t* filter, cudaStream_t stream) {
  FilterToRowsKernel<<<Blocks(rows.layout.rows, 256), 256, 0, stream>>>(
      words, item_words, rows.item_of_row, rows.layout.rows, filter);
}

void PackQueries(const GpuRows& rows, const GpuQueries& queries,
                 cudaStream_t stream) {
  const uint32_t depth = rows.layout.depth;
  PackQueriesKernel<<<Blocks(size_t{(queries.count + 15) / 16} * depth * kLanes,
                             256),
                      256, 0, stream>>>(queries.vectors, queries.count,
                                        rows.dim, depth, queries.halves);
  QueryBoundsKernel<<<Blocks(size_t{queries.count} * kLanes, 256), 256, 0,
                      stream>>>(queries.vectors, queries.count, rows.dim,
                                queries.bounds);
}

}  // namespace taud::index
