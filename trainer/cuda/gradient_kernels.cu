#include "trainer/cuda/mf_kernels.h"
#include "trainer/cuda/warp.cuh"

namespace taud::trainer {
namespace {

// Scores are computed in tiles of 64 × 64, by 16 × 16 threads with 4 × 4 each.
constexpr int kTile = kTileRows;
constexpr int kEach = 4;
// Rows of slopes in shared memory, a little apart against bank conflicts.
constexpr int kPitch = kTile + 4;

// A user row with so little left after dropout keeps all its coordinates.
constexpr float kLeastNorm = 1e-3f;

// Where a value stands among columns of tiles of 64 rows.
__device__ size_t ColumnAt(uint32_t row, int column, int width) {
  return (size_t{row / kTileRows} * width + column) * kTileRows +
         row % kTileRows;
}

// As PaddedRows.
__device__ uint32_t WholeTiles(uint32_t rows) {
  return (rows + kTileRows - 1) / kTileRows * kTileRows;
}

// A warp for each row of the batch and each negative, in whole tiles.
__global__ void GatherKernel(GpuTable users, GpuTable items, GpuBatch batch,
                             int width) {
  const uint32_t warp = (blockIdx.x * blockDim.x + threadIdx.x) / kLanes;
  const int lane = threadIdx.x % kLanes;
  const int dim = batch.dim;
  const uint32_t padded_rows = WholeTiles(batch.rows);
  if (warp >= padded_rows) {
    const uint32_t j = warp - padded_rows;
    if (j >= WholeTiles(batch.negatives)) return;
    const bool there = j < batch.negatives;
    const float* from =
        there ? items.values + size_t{batch.negative_items[j]} * dim : nullptr;
    for (int c = lane; c < width; c += kLanes) {
      const float x = there && c < dim ? from[c] : 0.0f;
      if (there && c < dim) batch.negative_rows[size_t{j} * dim + c] = x;
      batch.negative_columns[ColumnAt(j, c, width)] = x;
    }
    return;
  }
  const uint32_t r = warp;
  if (r >= batch.rows) {
    for (int c = lane; c < width; c += kLanes) {
      batch.user_columns[ColumnAt(r, c, width)] = 0.0f;
    }
    return;
  }
  const float* user = users.values + size_t{batch.users[r]} * dim;
  const float* positive = items.values + size_t{batch.positives[r]} * dim;
  const uint32_t* kept =
      batch.kept == nullptr
          ? nullptr
          : batch.kept + size_t{r} * ((dim + kLanes - 1) / kLanes);
  float scale = 0;
  if (kept != nullptr) {
    float square = 0;
    for (int c = lane; c < dim; c += kLanes) {
      if (Bit(kept, c)) square += user[c] * user[c];
    }
    square = SumOfWarp(square);
    if (!(square < kLeastNorm * kLeastNorm)) scale = 1.0f / sqrtf(square);
  }
  float cosine = 0;
  for (int c = lane; c < width; c += kLanes) {
    float x = 0;
    if (c < dim) {
      x = user[c];
      if (scale != 0) x = Bit(kept, c) ? x * scale : 0.0f;
      batch.user_rows[size_t{r} * dim + c] = x;
      cosine += x * positive[c];
    }
    batch.user_columns[ColumnAt(r, c, width)] = x;
  }
  cosine = SumOfWarp(cosine);
  if (lane == 0) {
    batch.cosines[r] = cosine;
    batch.kept_scale[r] = scale;
  }
}

// The columns of a tile, [kDim × kTile].
template <int kDim>
__device__ void LoadColumns(const float* columns, uint32_t tile, float* to) {
  constexpr int kWords = kDim * kTile / 4;
  const float4* from =
      reinterpret_cast<const float4*>(columns) + size_t{tile} * kWords;
  for (int i = threadIdx.x; i < kWords; i += kThreads) {
    reinterpret_cast<float4*>(to)[i] = from[i];
  }
}

// The rows of a tile, [kTile × kDim].
template <int kDim>
__device__ void LoadRows(const float* rows, uint32_t tile, uint32_t count,
                         int dim, float* to) {
  const uint32_t first = tile * kTileRows;
  if (dim == kDim && first + kTileRows <= count) {
    const float4* from =
        reinterpret_cast<const float4*>(rows + size_t{first} * kDim);
    for (int i = threadIdx.x; i < kTile * kDim / 4; i += kThreads) {
      reinterpret_cast<float4*>(to)[i] = from[i];
    }
    return;
  }
  for (int i = threadIdx.x; i < kTile * kDim; i += kThreads) {
    const uint32_t r = i / kDim;
    const int c = i % kDim;
    to[i] =
        first + r < count && c < dim ? rows[size_t{first + r} * dim + c] : 0.0f;
  }
}

// scores[i][j]: row 4 · (thread / 16) + i of `a` by row 4 · (thread % 16) + j
// of `b`.
template <int kDim>
__device__ void Scores(const float* a, const float* b,
                       float (&scores)[kEach][kEach]) {
  const int ty = threadIdx.x / 16 * kEach;
  const int tx = threadIdx.x % 16 * kEach;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
#pragma unroll
    for (int j = 0; j < kEach; ++j) scores[i][j] = 0;
  }
#pragma unroll 8
  for (int c = 0; c < kDim; ++c) {
    const float4 x = *reinterpret_cast<const float4*>(a + c * kTile + ty);
    const float4 y = *reinterpret_cast<const float4*>(b + c * kTile + tx);
    const float xs[kEach] = {x.x, x.y, x.z, x.w};
    const float ys[kEach] = {y.x, y.y, y.z, y.w};
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
      for (int j = 0; j < kEach; ++j) scores[i][j] += xs[i] * ys[j];
    }
  }
}

// How often negative j counts in row r, whose positive is negative `own`; 0 for
// false ones and beyond the end. REQUIRES: r < rows.
__device__ float CountOf(const GpuBatch& batch, uint32_t r, uint32_t j,
                         int32_t own) {
  if (j >= batch.negatives || static_cast<int32_t>(j) == own) return 0;
  if (batch.excluded != nullptr &&
      Bit(batch.excluded + size_t{r} * ((batch.negatives + 31) / 32), j)) {
    return 0;
  }
  return batch.counts == nullptr ? 1.0f : batch.counts[j];
}

// The tiles [*begin, *end) of one of `parts` parts of `count` rows.
__device__ void PartOf(uint32_t count, uint32_t part, uint32_t parts,
                       uint32_t* begin, uint32_t* end) {
  const uint32_t tiles = (count + kTile - 1) / kTile;
  const uint32_t each = (tiles + parts - 1) / parts;
  *begin = min(tiles, part * each);
  *end = min(tiles, *begin + each);
}

// The greatest score of each row over a part of the negatives, and beside it
// the sums of exponentials at the row's and at the common temperature.
template <int kDim>
__global__ void SumsKernel(GpuBatch batch) {
  extern __shared__ float4 shared4[];
  float* const a = reinterpret_cast<float*>(shared4);  // [kDim × kTile]
  float* const b = a + kDim * kTile;
  const uint32_t first = blockIdx.x * kTile;
  const uint32_t ty = threadIdx.x / 16 * kEach;
  const uint32_t tx = threadIdx.x % 16 * kEach;
  LoadColumns<kDim>(batch.user_columns, blockIdx.x, a);

  const float common = 1.0f / batch.common_temperature;
  float greatest[kEach], sum[kEach], common_sum[kEach], scale[kEach];
  int32_t own[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const uint32_t r = min(first + ty + i, batch.rows - 1);
    greatest[i] = batch.cosines[r];
    own[i] = batch.own_slot[r];
    scale[i] = 1.0f / batch.temperatures[r];
    sum[i] = common_sum[i] = 0;
  }
  uint32_t begin, end;
  PartOf(batch.negatives, blockIdx.y, batch.negative_parts, &begin, &end);
  for (uint32_t tile = begin; tile < end; ++tile) {
    __syncthreads();
    LoadColumns<kDim>(batch.negative_columns, tile, b);
    __syncthreads();
    float scores[kEach][kEach];
    Scores<kDim>(a, b, scores);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      float counts[kEach];
      float most = greatest[i];
      const uint32_t r = min(first + ty + i, batch.rows - 1);
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        counts[j] = CountOf(batch, r, tile * kTile + tx + j, own[i]);
        if (counts[j] > 0) most = fmaxf(most, scores[i][j]);
      }
      if (most > greatest[i]) {
        sum[i] *= expf((greatest[i] - most) * scale[i]);
        common_sum[i] *= expf((greatest[i] - most) * common);
        greatest[i] = most;
      }
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        if (counts[j] == 0) continue;
        const float difference = scores[i][j] - greatest[i];
        sum[i] += counts[j] * expf(difference * scale[i]);
        common_sum[i] += counts[j] * expf(difference * common);
      }
    }
  }
  // Over the 16 threads that share these rows.
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    for (int step = 8; step > 0; step /= 2) {
      const float theirs = __shfl_xor_sync(kAllLanes, greatest[i], step);
      const float their_sum = __shfl_xor_sync(kAllLanes, sum[i], step);
      const float their_common =
          __shfl_xor_sync(kAllLanes, common_sum[i], step);
      const float most = fmaxf(greatest[i], theirs);
      sum[i] = sum[i] * expf((greatest[i] - most) * scale[i]) +
               their_sum * expf((theirs - most) * scale[i]);
      common_sum[i] = common_sum[i] * expf((greatest[i] - most) * common) +
                      their_common * expf((theirs - most) * common);
      greatest[i] = most;
    }
    const uint32_t r = first + ty + i;
    if (threadIdx.x % 16 == 0 && r < batch.rows) {
      batch.sums[size_t{blockIdx.y} * batch.rows + r] =
          make_float4(greatest[i], sum[i], common_sum[i], 0);
    }
  }
}

// The parts' sums together: losses, and what the gradients need of a row:
// (greatest score, 1 / τ, the factor of each exponential, ∂loss/∂f(u, i)).
__global__ void RowTermsKernel(GpuBatch batch) {
  const uint32_t r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= batch.rows) return;
  const float cosine = batch.cosines[r];
  const float scale = 1.0f / batch.temperatures[r];
  const float common = 1.0f / batch.common_temperature;
  float greatest = cosine;
  for (uint32_t p = 0; p < batch.negative_parts; ++p) {
    greatest = fmaxf(greatest, batch.sums[size_t{p} * batch.rows + r].x);
  }
  float sum = 0;
  float common_sum = 0;
  for (uint32_t p = 0; p < batch.negative_parts; ++p) {
    const float4 part = batch.sums[size_t{p} * batch.rows + r];
    sum += part.y * expf((part.x - greatest) * scale);
    common_sum += part.z * expf((part.x - greatest) * common);
  }
  const float rho = batch.rho;
  const float each = batch.negative_weight;
  const float own = expf((cosine - greatest) * scale);
  const float others = each * sum;
  const float common_own = expf((cosine - greatest) * common);
  batch.losses[r] =
      rho * logf(own + others) - (cosine - rho * greatest) * scale;
  batch.common_losses[r] =
      logf(common_own + each * common_sum) - (cosine - greatest) * common;
  const float weight = batch.weights[r] * scale;
  // ρ P_i − 1, without the cancellation for ρ = 1 and P_i near 1.
  const float slope = weight * ((rho - 1.0f) * own - others) / (own + others);
  batch.row_terms[r] =
      make_float4(greatest, scale, rho * each * weight / (own + others), slope);
}

// kCount consecutive floats, 2 or a multiple of 4, from an aligned place.
template <int kCount>
__device__ void LoadVector(const float* from, float (&to)[kCount]) {
  if constexpr (kCount == 2) {
    const float2 x = *reinterpret_cast<const float2*>(from);
    to[0] = x.x;
    to[1] = x.y;
  } else {
#pragma unroll
    for (int c = 0; c < kCount; c += 4) {
      const float4 x = *reinterpret_cast<const float4*>(from + c);
      to[c] = x.x;
      to[c + 1] = x.y;
      to[c + 2] = x.z;
      to[c + 3] = x.w;
    }
  }
}

// The gradients of one side, in parts: for each of its rows the sum over a
// part of the other side's rows of ∂loss/∂f times the other row. kOfUsers: of
// the batch's user rows, over the negatives; else of the negatives, over the
// batch's rows. Longer than a function should be: its stages share registers
// and the block's memory.
template <int kDim, bool kOfUsers>
__global__ void GradientKernel(GpuBatch batch) {
  constexpr int kColumns = kDim / 16;  // of a thread
  extern __shared__ float4 shared4[];
  float* const a = reinterpret_cast<float*>(shared4);  // [kDim × kTile]
  float* const b = a + kDim * kTile;                   // [kDim × kTile]
  float* const rows = b + kDim * kTile;                // [kTile × kDim]
  float* const slopes = rows + kTile * kDim;           // [kTile × kPitch]
  const float* const mine =
      kOfUsers ? batch.user_columns : batch.negative_columns;
  const float* const theirs =
      kOfUsers ? batch.negative_columns : batch.user_columns;
  const float* const their_rows =
      kOfUsers ? batch.negative_rows : batch.user_rows;
  const uint32_t my_count = kOfUsers ? batch.rows : batch.negatives;
  const uint32_t their_count = kOfUsers ? batch.negatives : batch.rows;
  const uint32_t parts = kOfUsers ? batch.negative_parts : batch.row_parts;

  const uint32_t first = blockIdx.x * kTile;
  const uint32_t ty = threadIdx.x / 16 * kEach;
  const uint32_t tx = threadIdx.x % 16 * kEach;
  const uint32_t column = threadIdx.x % 16 * kColumns;
  LoadColumns<kDim>(mine, blockIdx.x, a);
  float gradient[kEach][kColumns];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
#pragma unroll
    for (int c = 0; c < kColumns; ++c) gradient[i][c] = 0;
  }
  // Of this thread's rows of the batch: its own ones, or those of the tile.
  int32_t own[kEach];
  float4 terms[kEach];
  bool there[kEach];
  const auto look_up = [&](uint32_t first_row) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      there[i] = first_row + i < batch.rows;
      const uint32_t r = min(first_row + i, batch.rows - 1);
      own[i] = batch.own_slot[r];
      terms[i] = batch.row_terms[r];
    }
  };
  if (kOfUsers) look_up(first + ty);
  uint32_t begin, end;
  PartOf(their_count, blockIdx.y, parts, &begin, &end);
  for (uint32_t tile = begin; tile < end; ++tile) {
    __syncthreads();
    LoadColumns<kDim>(theirs, tile, b);
    LoadRows<kDim>(their_rows, tile, their_count, batch.dim, rows);
    if (!kOfUsers) look_up(tile * kTile + tx);
    __syncthreads();
    float scores[kEach][kEach];
    Scores<kDim>(a, b, scores);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      float each[kEach];
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        const uint32_t my_row = first + ty + i;
        const uint32_t their_row = tile * kTile + tx + j;
        const int which = kOfUsers ? i : j;
        each[j] = 0;
        if (!there[which]) continue;
        const float count = CountOf(batch, kOfUsers ? my_row : their_row,
                                    kOfUsers ? their_row : my_row, own[which]);
        if (count == 0) continue;
        each[j] = count * terms[which].z *
                  expf((scores[i][j] - terms[which].x) * terms[which].y);
      }
      *reinterpret_cast<float4*>(slopes + (ty + i) * kPitch + tx) =
          make_float4(each[0], each[1], each[2], each[3]);
    }
    __syncthreads();
    for (int t = 0; t < kTile; t += kEach) {
      float xs[kEach][kEach];
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        const float4 x =
            *reinterpret_cast<const float4*>(slopes + (ty + i) * kPitch + t);
        xs[i][0] = x.x;
        xs[i][1] = x.y;
        xs[i][2] = x.z;
        xs[i][3] = x.w;
      }
#pragma unroll
      for (int s = 0; s < kEach; ++s) {
        float ys[kColumns];
        LoadVector<kColumns>(rows + (t + s) * kDim + column, ys);
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
#pragma unroll
          for (int c = 0; c < kColumns; ++c) {
            gradient[i][c] += xs[i][s] * ys[c];
          }
        }
      }
    }
  }
  float* const to = (kOfUsers ? batch.user_parts : batch.negative_grads) +
                    size_t{blockIdx.y} * my_count * batch.dim;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const uint32_t r = first + ty + i;
    if (r >= my_count) continue;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int at = static_cast<int>(column) + c;
      if (at < batch.dim) to[size_t{r} * batch.dim + at] = gradient[i][c];
    }
  }
}

uint32_t Tiles(uint32_t count) { return (count + kTile - 1) / kTile; }

template <typename Kernel>
void LaunchTiles(Kernel kernel, dim3 grid, size_t floats, const GpuBatch& batch,
                 cudaStream_t stream) {
  const size_t bytes = floats * sizeof(float);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(bytes));
  kernel<<<grid, kThreads, bytes, stream>>>(batch);
}

template <int kDim>
void Compute(const GpuBatch& batch, cudaStream_t stream) {
  constexpr size_t kSums = 2 * kDim * kTile;
  constexpr size_t kGradient = kSums + kTile * kDim + kTile * kPitch;
  const dim3 by_users(Tiles(batch.rows), batch.negative_parts);
  const dim3 by_items(Tiles(batch.negatives), batch.row_parts);
  if (batch.negatives > 0) {
    LaunchTiles(SumsKernel<kDim>, by_users, kSums, batch, stream);
  }
  RowTermsKernel<<<(batch.rows + 127) / 128, 128, 0, stream>>>(batch);
  if (batch.negatives == 0) return;
  LaunchTiles(GradientKernel<kDim, true>, by_users, kGradient, batch, stream);
  LaunchTiles(GradientKernel<kDim, false>, by_items, kGradient, batch, stream);
}

}  // namespace

void ComputeGradients(const GpuTable& users, const GpuTable& items,
                      const GpuBatch& batch, cudaStream_t stream) {
  GatherKernel<<<WarpBlocks(PaddedRows(batch.rows) +
                            PaddedRows(batch.negatives)),
                 kThreads, 0, stream>>>(users, items, batch,
                                        PaddedDim(batch.dim));
  if (batch.dim <= 32) return Compute<32>(batch, stream);
  if (batch.dim <= 64) return Compute<64>(batch, stream);
  Compute<128>(batch, stream);
}

}  // namespace taud::trainer
