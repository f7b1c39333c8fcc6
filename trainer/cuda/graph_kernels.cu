#include "trainer/cuda/graph_kernels.h"
#include "trainer/cuda/warp.cuh"

namespace taud::trainer {
namespace {

constexpr int kWarps = kThreads / kLanes;

// Adds the entries [begin, end) of a row to the warp's sum, column
// lane + 32 · i in sum[i].
template <int kPer>
__device__ void AddEntries(const GpuGraph& graph, const GpuProduct& product,
                           int dim, uint32_t begin, uint32_t end,
                           float (&sum)[kPer]) {
  const uint32_t lane = threadIdx.x % kLanes;
  for (uint32_t first = begin; first < end; first += kLanes) {
    // Each lane reads one entry; then all take each in turn.
    uint32_t column = 0;
    float value = 0;
    if (first + lane < end) {
      column = graph.columns[first + lane];
      value = graph.values[first + lane];
      if (product.nonzero != nullptr && product.nonzero[column] == 0) value = 0;
    }
    const uint32_t count = min(end - first, static_cast<uint32_t>(kLanes));
#pragma unroll 8
    for (uint32_t e = 0; e < count; ++e) {
      const float factor = __shfl_sync(kAllLanes, value, e);
      const uint32_t from = __shfl_sync(kAllLanes, column, e);
      if (factor == 0) continue;
      const float* row = product.x + size_t{from} * dim;
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        const uint32_t c = lane + kLanes * i;
        if (c < static_cast<uint32_t>(dim)) sum[i] += factor * row[c];
      }
    }
  }
}

template <int kPer>
__device__ void WriteRow(const GpuProduct& product, int dim, uint32_t row,
                         const float (&sum)[kPer], float* y) {
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = static_cast<int>(threadIdx.x % kLanes) + kLanes * i;
    const size_t at = size_t{row} * dim + c;
    if (c < dim) y[at] = product.scale * (product.base[at] + sum[i]);
  }
}

template <int kPer>
__global__ void MultiplyKernel(GpuGraph graph, GpuProduct product, int dim,
                               float* y) {
  const uint32_t row = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (row >= graph.rows) return;
  if (product.wanted != nullptr && product.wanted[row] == 0) return;
  const uint32_t begin = graph.begin[row];
  const uint32_t end = graph.begin[row + 1];
  if (end - begin > kLongRow) return;
  float sum[kPer] = {};
  AddEntries<kPer>(graph, product, dim, begin, end, sum);
  WriteRow<kPer>(product, dim, row, sum, y);
}

template <int kPer>
__global__ void MultiplyLongKernel(GpuGraph graph, GpuProduct product, int dim,
                                   float* y) {
  __shared__ float parts[kWarps][kPer * kLanes];
  const uint32_t row = graph.long_rows[blockIdx.x];
  if (product.wanted != nullptr && product.wanted[row] == 0) return;
  const uint32_t warp = threadIdx.x / kLanes;
  const uint32_t lane = threadIdx.x % kLanes;
  const uint32_t begin = graph.begin[row];
  const uint32_t count = graph.begin[row + 1] - begin;
  // Whole readings of 32 entries for each warp.
  const uint32_t each =
      ((count + kWarps - 1) / kWarps + kLanes - 1) / kLanes * kLanes;
  float sum[kPer] = {};
  AddEntries<kPer>(graph, product, dim, begin + min(count, warp * each),
                   begin + min(count, (warp + 1) * each), sum);
#pragma unroll
  for (int i = 0; i < kPer; ++i) parts[warp][lane + kLanes * i] = sum[i];
  __syncthreads();
  if (warp != 0) return;
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    for (int w = 1; w < kWarps; ++w) sum[i] += parts[w][lane + kLanes * i];
  }
  WriteRow<kPer>(product, dim, row, sum, y);
}

__global__ void NormaliseKernel(uint32_t rows, const uint8_t* wanted, int dim,
                                float* values, float* norms) {
  const uint32_t row = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (row >= rows || (wanted != nullptr && wanted[row] == 0)) return;
  const int lane = threadIdx.x % kLanes;
  float* const own = values + size_t{row} * dim;
  float square = 0;
  for (int c = lane; c < dim; c += kLanes) square += own[c] * own[c];
  const float norm = sqrtf(SumOfWarp(square));
  if (lane == 0) norms[row] = norm;
  if (!(norm > 0)) return;
  const float inverse = 1.0f / norm;
  for (int c = lane; c < dim; c += kLanes) own[c] *= inverse;
}

__global__ void MarkKernel(const uint32_t* ids, uint32_t count, uint32_t offset,
                           uint8_t* flags) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) flags[offset + ids[i]] = 1;
}

// The sum of the block's values, in thread 0.
__device__ double SumOfBlock(double x) {
  __shared__ double sums[kThreads];
  sums[threadIdx.x] = x;
  for (int step = kThreads / 2; step > 0; step /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < step) {
      sums[threadIdx.x] += sums[threadIdx.x + step];
    }
  }
  return sums[0];
}

__global__ void MoveFreeKernel(GpuAdam adam) {
  if (*adam.failed != 0) return;
  const float scale = *adam.scale;
  double square = 0;
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < adam.count;
       i += size_t{gridDim.x} * blockDim.x) {
    const float g = adam.gradient[i];
    const float m = kBeta1 * adam.moment1[i] + (1.0f - kBeta1) * g;
    const float v = kBeta2 * adam.moment2[i] + (1.0f - kBeta2) * g * g;
    const float x = scale * adam.values[i] -
                    adam.rate * m / (sqrtf(v * adam.correction2) + kEpsilon);
    adam.moment1[i] = m;
    adam.moment2[i] = v;
    adam.values[i] = x;
    square += double{x} * x;
  }
  square = SumOfBlock(square);
  if (threadIdx.x == 0) adam.squares[blockIdx.x] = square;
}

__global__ void ScaleKernel(GpuAdam adam) {
  if (*adam.failed != 0) return;
  const double square = SumOfBlock(adam.squares[threadIdx.x]);
  if (threadIdx.x != 0) return;
  *adam.scale =
      square > 0 ? static_cast<float>(sqrt(adam.started / square)) : 1.0f;
}
static_assert(kScaleBlocks == kThreads, "a thread for each block's sum");

template <int kPer>
void MultiplyWith(const GpuGraph& graph, const GpuProduct& product, int dim,
                  float* y, cudaStream_t stream) {
  // The long ones first: they take longest.
  if (graph.num_long > 0) {
    MultiplyLongKernel<kPer>
        <<<graph.num_long, kThreads, 0, stream>>>(graph, product, dim, y);
  }
  MultiplyKernel<kPer>
      <<<WarpBlocks(graph.rows), kThreads, 0, stream>>>(graph, product, dim, y);
}

}  // namespace

void Multiply(const GpuGraph& graph, const GpuProduct& product, int dim,
              float* y, cudaStream_t stream) {
  if (dim <= 32) return MultiplyWith<1>(graph, product, dim, y, stream);
  if (dim <= 64) return MultiplyWith<2>(graph, product, dim, y, stream);
  MultiplyWith<4>(graph, product, dim, y, stream);
}

void NormaliseRows(uint32_t rows, const uint8_t* wanted, int dim, float* values,
                   float* norms, cudaStream_t stream) {
  NormaliseKernel<<<WarpBlocks(rows), kThreads, 0, stream>>>(rows, wanted, dim,
                                                             values, norms);
}

void MarkRows(const uint32_t* ids, uint32_t count, uint32_t offset,
              uint8_t* flags, cudaStream_t stream) {
  if (count == 0) return;
  MarkKernel<<<(count + 255) / 256, 256, 0, stream>>>(ids, count, offset,
                                                      flags);
}

void MoveFree(const GpuAdam& adam, cudaStream_t stream) {
  MoveFreeKernel<<<kScaleBlocks, kThreads, 0, stream>>>(adam);
  ScaleKernel<<<1, kThreads, 0, stream>>>(adam);
}

}  // namespace taud::trainer
