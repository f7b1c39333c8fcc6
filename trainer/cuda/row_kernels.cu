#include <cmath>

#include "trainer/cuda/mf_kernels.h"
#include "trainer/cuda/warp.cuh"

namespace taud::trainer {
namespace {

// One Adam step on the sphere of the row whose gradient the warp holds,
// column lane + 32 · i in gradient[i]. As AdamOnSphere and RowAdamStep.
template <int kPer>
__device__ void MoveRow(const GpuTable& table, uint32_t row, int dim,
                        float rate, const float* corrections,
                        const float (&gradient)[kPer], int32_t* kept_back) {
  const int lane = threadIdx.x % kLanes;
  const size_t start = size_t{row} * dim;
  const uint32_t t = min(table.updates[row] + 1, kCorrectedSteps);
  const float first = rate * corrections[t];
  const float second = corrections[kCorrectedSteps + 1 + t];
  float value[kPer], m[kPer], v[kPer];
  float radial = 0;
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = lane + kLanes * i;
    value[i] = c < dim ? table.values[start + c] : 0;
    radial += gradient[i] * value[i];
  }
  radial = SumOfWarp(radial);
  float norm2 = 0;
  float v_sum = 0;
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = lane + kLanes * i;
    if (c >= dim) continue;
    const float g = gradient[i] - radial * value[i];
    m[i] = kBeta1 * table.moment1[start + c] + (1.0f - kBeta1) * g;
    v[i] = kBeta2 * table.moment2[start + c] + (1.0f - kBeta2) * g * g;
    value[i] -= first * m[i] / (sqrtf(v[i] * second) + kEpsilon);
    norm2 += value[i] * value[i];
    v_sum += v[i];
  }
  norm2 = SumOfWarp(norm2);
  v_sum = SumOfWarp(v_sum);
  const bool good = norm2 > 1e-12f && isfinite(norm2 + v_sum);
  const float scale = 1.0f / sqrtf(norm2);
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = lane + kLanes * i;
    if (c >= dim) continue;
    if (good) table.values[start + c] = value[i] * scale;
    table.moment1[start + c] = good ? m[i] : 0.0f;
    table.moment2[start + c] = good ? v[i] : 0.0f;
  }
  if (lane == 0) {
    table.updates[row] = good ? t : 0;
    if (!good) atomicAdd(kept_back, 1);
  }
}

// The gradient on a user's row: the sum over its rows of the batch. The warp
// holds column lane + 32 · i in (*sum)[i].
template <int kPer>
__device__ void SumOfUser(const float* items, const GpuBatch& batch,
                          const GpuMoves& moves, uint32_t move,
                          float (&sum)[kPer]) {
  const int lane = threadIdx.x % kLanes;
  const int dim = batch.dim;
#pragma unroll
  for (int i = 0; i < kPer; ++i) sum[i] = 0;
  for (uint32_t e = moves.begin[move]; e < moves.begin[move + 1]; ++e) {
    const uint32_t r = moves.entries[e];
    const float slope = batch.row_terms[r].w;
    const float* positive = items + size_t{batch.positives[r]} * dim;
    const float* user = batch.user_rows + size_t{r} * dim;
    float g[kPer];
    float along = 0;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int c = lane + kLanes * i;
      g[i] = 0;
      if (c >= dim) continue;
      for (uint32_t p = 0; p < batch.negative_parts; ++p) {
        g[i] += batch.user_parts[(size_t{p} * batch.rows + r) * dim + c];
      }
      g[i] += slope * positive[c];
      along += g[i] * user[c];
    }
    const float scale = batch.kept_scale[r];
    if (scale != 0) {
      along = SumOfWarp(along);
      const uint32_t* kept =
          batch.kept + size_t{r} * ((dim + kLanes - 1) / kLanes);
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        const int c = lane + kLanes * i;
        if (c >= dim) continue;
        g[i] = Bit(kept, c) ? scale * (g[i] - along * user[c]) : 0.0f;
      }
    }
#pragma unroll
    for (int i = 0; i < kPer; ++i) sum[i] += g[i];
  }
}

// The gradient on an item's row, as a positive and as a negative.
template <int kPer>
__device__ void SumOfItem(const GpuBatch& batch, const GpuMoves& moves,
                          uint32_t move, float (&sum)[kPer]) {
  const int lane = threadIdx.x % kLanes;
  const int dim = batch.dim;
#pragma unroll
  for (int i = 0; i < kPer; ++i) sum[i] = 0;
  for (uint32_t e = moves.begin[move]; e < moves.begin[move + 1]; ++e) {
    const uint32_t entry = moves.entries[e];
    const bool positive = entry < batch.rows;
    const uint32_t j = entry - batch.rows;
    const float slope = positive ? batch.row_terms[entry].w : 0;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int c = lane + kLanes * i;
      if (c >= dim) continue;
      if (positive) {
        sum[i] += slope * batch.user_rows[size_t{entry} * dim + c];
        continue;
      }
      float g = 0;
      for (uint32_t p = 0; p < batch.row_parts; ++p) {
        g += batch.negative_grads[(size_t{p} * batch.negatives + j) * dim + c];
      }
      sum[i] += g;
    }
  }
}

// The warp's place among the moves.
__device__ uint32_t Move() {
  return (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
}

template <int kPer>
__global__ void MoveUsersKernel(GpuTable users, GpuTable items, GpuBatch batch,
                                GpuMoves moves, const float* corrections,
                                int32_t* kept_back) {
  const uint32_t move = Move();
  if (move >= moves.count) return;
  float sum[kPer];
  SumOfUser<kPer>(items.values, batch, moves, move, sum);
  MoveRow<kPer>(users, moves.rows[move], batch.dim, moves.rates[move],
                corrections, sum, kept_back);
}

template <int kPer>
__global__ void MoveItemsKernel(GpuTable items, GpuBatch batch, GpuMoves moves,
                                const float* corrections, int32_t* kept_back) {
  const uint32_t move = Move();
  if (move >= moves.count) return;
  float sum[kPer];
  SumOfItem<kPer>(batch, moves, move, sum);
  MoveRow<kPer>(items, moves.rows[move], batch.dim, moves.rates[move],
                corrections, sum, kept_back);
}

// From the gradient on a unit row to the one on the representation it was made
// of, whose norm it lost.
template <int kPer>
__device__ void CollectRow(const GpuRepresentations& all, uint32_t row, int dim,
                           const float (&gradient)[kPer]) {
  const int lane = threadIdx.x % kLanes;
  const float* unit = all.units + size_t{row} * dim;
  float radial = 0;
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = lane + kLanes * i;
    if (c < dim) radial += gradient[i] * unit[c];
  }
  radial = SumOfWarp(radial);
  if (!isfinite(radial) && lane == 0) atomicExch(all.failed, 1);
  const float norm = all.norms[row];
  if (!(norm > 0)) return;
  const float factor = all.share / (norm * *all.scale);
#pragma unroll
  for (int i = 0; i < kPer; ++i) {
    const int c = lane + kLanes * i;
    if (c >= dim) continue;
    all.gradients[size_t{row} * dim + c] =
        factor * (gradient[i] - radial * unit[c]);
  }
}

template <int kPer>
__global__ void CollectUsersKernel(GpuRepresentations all, GpuBatch batch,
                                   GpuMoves moves) {
  const uint32_t move = Move();
  if (move >= moves.count) return;
  float sum[kPer];
  SumOfUser<kPer>(all.units + size_t{all.users} * batch.dim, batch, moves, move,
                  sum);
  CollectRow<kPer>(all, moves.rows[move], batch.dim, sum);
}

template <int kPer>
__global__ void CollectItemsKernel(GpuRepresentations all, GpuBatch batch,
                                   GpuMoves moves) {
  const uint32_t move = Move();
  if (move >= moves.count) return;
  float sum[kPer];
  SumOfItem<kPer>(batch, moves, move, sum);
  CollectRow<kPer>(all, all.users + moves.rows[move], batch.dim, sum);
}

__global__ void ScatterKernel(const uint32_t* rows, uint32_t count,
                              const float* values, int dim, GpuTable table) {
  const uint32_t i = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (i >= count) return;
  const size_t start = size_t{rows[i]} * dim;
  for (int c = threadIdx.x % kLanes; c < dim; c += kLanes) {
    table.values[start + c] = values[size_t{i} * dim + c];
    table.moment1[start + c] = 0;
    table.moment2[start + c] = 0;
  }
  if (threadIdx.x % kLanes == 0) table.updates[rows[i]] = 0;
}

__global__ void GatherRowsKernel(const uint32_t* rows, uint32_t count,
                                 const float* from, int dim, float* values) {
  const uint32_t i = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (i >= count) return;
  for (int c = threadIdx.x % kLanes; c < dim; c += kLanes) {
    values[size_t{i} * dim + c] = from[size_t{rows[i]} * dim + c];
  }
}

template <int kDim>
__global__ void MomentsKernel(const float* values, size_t rows, int dim,
                              float* sums) {
  constexpr int kColumns = kDim / 16;
  __shared__ float tile[32 * kDim];
  const uint32_t row = threadIdx.x / 16 * kColumns;
  const uint32_t column = threadIdx.x % 16 * kColumns;
  float product[kColumns][kColumns];
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
#pragma unroll
    for (int j = 0; j < kColumns; ++j) product[i][j] = 0;
  }
  for (size_t first = size_t{blockIdx.x} * 32; first < rows;
       first += size_t{gridDim.x} * 32) {
    __syncthreads();
    for (int i = threadIdx.x; i < 32 * kDim; i += kThreads) {
      const size_t r = first + i / kDim;
      const int c = i % kDim;
      tile[i] = r < rows && c < dim ? values[r * dim + c] : 0.0f;
    }
    __syncthreads();
    for (int r = 0; r < 32; ++r) {
      if (threadIdx.x < kDim) sum += tile[r * kDim + threadIdx.x];
#pragma unroll
      for (int i = 0; i < kColumns; ++i) {
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          product[i][j] +=
              tile[r * kDim + row + i] * tile[r * kDim + column + j];
        }
      }
    }
  }
  float* const to = sums + size_t{blockIdx.x} * (dim + dim * dim);
  if (static_cast<int>(threadIdx.x) < dim) to[threadIdx.x] = sum;
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      const int x = static_cast<int>(row) + i;
      const int y = static_cast<int>(column) + j;
      if (x < dim && y < dim) to[dim + x * dim + y] = product[i][j];
    }
  }
}

__global__ void PairCosinesKernel(const float* users, const float* items,
                                  int dim, const uint32_t* pair_users,
                                  const uint32_t* pair_items, uint32_t count,
                                  float* cosines) {
  const uint32_t pair = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  if (pair >= count) return;
  const float* user = users + size_t{pair_users[pair]} * dim;
  const float* item = items + size_t{pair_items[pair]} * dim;
  float sum = 0;
  for (int c = threadIdx.x % kLanes; c < dim; c += kLanes) {
    sum += user[c] * item[c];
  }
  sum = SumOfWarp(sum);
  if (threadIdx.x % kLanes == 0) cosines[pair] = sum;
}

__global__ void FlagNonFiniteKernel(const float* values, size_t rows, int dim,
                                    uint8_t* flags) {
  const size_t row = (size_t{blockIdx.x} * blockDim.x + threadIdx.x) / kLanes;
  if (row >= rows) return;
  bool bad = false;
  for (int c = threadIdx.x % kLanes; c < dim; c += kLanes) {
    bad = bad || !isfinite(values[row * dim + c]);
  }
  const bool any = __any_sync(kAllLanes, bad);
  if (threadIdx.x % kLanes == 0) flags[row] = any ? 1 : 0;
}

}  // namespace

void MoveUsers(const GpuTable& users, const GpuTable& items,
               const GpuBatch& batch, const GpuMoves& moves,
               const float* corrections, int32_t* kept_back,
               cudaStream_t stream) {
  if (moves.count == 0) return;
  const uint32_t blocks = WarpBlocks(moves.count);
  const auto launch = [&](auto kernel) {
    kernel<<<blocks, kThreads, 0, stream>>>(users, items, batch, moves,
                                            corrections, kept_back);
  };
  if (batch.dim <= 32) return launch(MoveUsersKernel<1>);
  if (batch.dim <= 64) return launch(MoveUsersKernel<2>);
  launch(MoveUsersKernel<4>);
}

void MoveItems(const GpuTable& items, const GpuBatch& batch,
               const GpuMoves& moves, const float* corrections,
               int32_t* kept_back, cudaStream_t stream) {
  if (moves.count == 0) return;
  const uint32_t blocks = WarpBlocks(moves.count);
  const auto launch = [&](auto kernel) {
    kernel<<<blocks, kThreads, 0, stream>>>(items, batch, moves, corrections,
                                            kept_back);
  };
  if (batch.dim <= 32) return launch(MoveItemsKernel<1>);
  if (batch.dim <= 64) return launch(MoveItemsKernel<2>);
  launch(MoveItemsKernel<4>);
}

void CollectGradients(const GpuRepresentations& all, const GpuBatch& batch,
                      const GpuMoves& users, const GpuMoves& items,
                      cudaStream_t stream) {
  const auto launch = [&](auto kernel, const GpuMoves& moves) {
    if (moves.count == 0) return;
    kernel<<<WarpBlocks(moves.count), kThreads, 0, stream>>>(all, batch, moves);
  };
  if (batch.dim <= 32) {
    launch(CollectUsersKernel<1>, users);
    launch(CollectItemsKernel<1>, items);
  } else if (batch.dim <= 64) {
    launch(CollectUsersKernel<2>, users);
    launch(CollectItemsKernel<2>, items);
  } else {
    launch(CollectUsersKernel<4>, users);
    launch(CollectItemsKernel<4>, items);
  }
}

void FillCorrections(float* corrections) {
  // float β, as the CPU's table.
  for (uint32_t t = 0; t <= kCorrectedSteps; ++t) {
    const bool none = t == 0;
    corrections[t] =
        none ? 1.0f
             : static_cast<float>(1.0 / (1.0 - std::pow(double{kBeta1}, t)));
    corrections[kCorrectedSteps + 1 + t] =
        none ? 1.0f
             : static_cast<float>(1.0 / (1.0 - std::pow(double{kBeta2}, t)));
  }
}

void ScatterRows(const uint32_t* rows, uint32_t count, const float* values,
                 int dim, const GpuTable& table, cudaStream_t stream) {
  if (count == 0) return;
  ScatterKernel<<<WarpBlocks(count), kThreads, 0, stream>>>(rows, count, values,
                                                            dim, table);
}

void GatherRows(const uint32_t* rows, uint32_t count, const GpuTable& table,
                int dim, float* values, cudaStream_t stream) {
  if (count == 0) return;
  GatherRowsKernel<<<WarpBlocks(count), kThreads, 0, stream>>>(
      rows, count, table.values, dim, values);
}

void SumMoments(const float* values, size_t rows, int dim, float* sums,
                cudaStream_t stream) {
  const auto launch = [&](auto kernel) {
    kernel<<<kMomentBlocks, kThreads, 0, stream>>>(values, rows, dim, sums);
  };
  if (dim <= 32) return launch(MomentsKernel<32>);
  if (dim <= 64) return launch(MomentsKernel<64>);
  launch(MomentsKernel<128>);
}

void PairCosines(const GpuTable& users, const GpuTable& items, int dim,
                 const uint32_t* pair_users, const uint32_t* pair_items,
                 uint32_t count, float* cosines, cudaStream_t stream) {
  if (count == 0) return;
  PairCosinesKernel<<<WarpBlocks(count), kThreads, 0, stream>>>(
      users.values, items.values, dim, pair_users, pair_items, count, cosines);
}

void FlagNonFinite(const float* values, size_t rows, int dim, uint8_t* flags,
                   cudaStream_t stream) {
  if (rows == 0) return;
  FlagNonFiniteKernel<<<WarpBlocks(rows), kThreads, 0, stream>>>(values, rows,
                                                                 dim, flags);
}

}  // namespace taud::trainer
