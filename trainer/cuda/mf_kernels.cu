#include <cmath>

#include "trainer/cuda/mf_kernels.h"

namespace taud::trainer {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;
// Scores are computed in tiles of 64 × 64, by 16 × 16 threads with 4 × 4 each.
constexpr int kTile = kTileRows;
constexpr int kThreads = 256;
constexpr int kEach = 4;
// Rows of slopes in shared memory, a little apart against bank conflicts.
constexpr int kPitch = kTile + 4;

// Adam's constants, as AdamStep.
constexpr float kBeta1 = 0.9f;
constexpr float kBeta2 = 0.999f;
constexpr float kEpsilon = 1e-8f;

// A user row with so little left after dropout keeps all its coordinates.
constexpr float kLeastNorm = 1e-3f;

__device__ float SumOfWarp(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(kAllLanes, x, step);
  }
  return x;
}

__device__ bool Bit(const uint32_t* bits, uint32_t i) {
  return bits[i / 32] >> (i % 32) & 1;
}

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
// batch's rows.
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

uint32_t WarpBlocks(size_t warps) {
  return static_cast<uint32_t>((warps * kLanes + kThreads - 1) / kThreads);
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
