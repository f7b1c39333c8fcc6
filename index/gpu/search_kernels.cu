#include <cuda_fp16.h>

#include <cfloat>

#include "index/gpu/search_kernels.h"

namespace taud::index {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;
// Tiles of items that are copied to shared memory at a time: 16 KiB.
__host__ __device__ constexpr uint32_t StageTiles(uint32_t depth) {
  return depth <= 4 ? 16 : depth == 8 ? 8 : 4;
}
// Copies under way at a time.
constexpr int kStages = 3;
// Bins of the histogram that finds a threshold.
constexpr int kBins = 4096;
constexpr int kSelectThreads = 256;
constexpr int kScoreThreads = 128;  // at most

__device__ float NegativeInfinity() { return -INFINITY; }

// --- Packing ---------------------------------------------------------------

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

// --- Scores of groups ------------------------------------------------------

// c += a · b on the tensor cores, halves in, floats out.
__device__ void MultiplyAdd(const uint4& a, uint32_t b0, uint32_t b1,
                            float (&c)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}

__device__ void CopyAsync(uint4* to, const uint4* from) {
  const uint32_t shared = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(shared),
               "l"(from));
}
__device__ void CommitCopies() { asm volatile("cp.async.commit_group;\n"); }
__device__ void AwaitStage() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kStages - 2));
}

struct ScoreArguments {
  const uint4* items;
  const uint4* queries;
  RowLayout layout;
  uint32_t count;             // queries
  uint32_t stages_per_block;  // of items, for one block of threads
  const int32_t* filter;
  const uint32_t* filters;
  uint32_t filter_words;
  float* maxima;
};

// Each warp holds kTiles × 16 queries in registers and takes every tile of its
// block's items from shared memory. Scores live in registers: all that is
// written is the greatest of each group.
template <int kDepth, int kTiles, bool kFiltered>
__global__ void __launch_bounds__(kScoreThreads, kFiltered ? 2 : 4)
    ScoreGroupsKernel(ScoreArguments arguments) {
  constexpr uint32_t kTileWords = kDepth / 2 * kLanes;
  constexpr uint32_t kTilesAtOnce = StageTiles(kDepth);
  constexpr uint32_t kStageWords = kTilesAtOnce * kTileWords;
  extern __shared__ uint4 shared[];

  const RowLayout layout = arguments.layout;
  const uint32_t lane = threadIdx.x % kLanes;
  const uint32_t warp = threadIdx.x / kLanes;
  const uint32_t warps = blockDim.x / kLanes;
  const uint32_t first_tile =
      (blockIdx.x * warps + warp) * kTiles;  // of queries
  const uint32_t query_tiles = (arguments.count + 15) / 16;

  uint4 a[kTiles][kDepth];
#pragma unroll
  for (int m = 0; m < kTiles; ++m) {
    const uint32_t tile = min(first_tile + m, query_tiles - 1);
#pragma unroll
    for (int step = 0; step < kDepth; ++step) {
      a[m][step] =
          arguments.queries[(size_t{tile} * kDepth + step) * kLanes + lane];
    }
  }
  // The queries of this thread's two rows of scores in each tile.
  const auto query_of = [&](int m, int half) {
    return (first_tile + m) * 16 + half * 8 + lane / 4;
  };
  const uint32_t* filter[kTiles][2];
  if (kFiltered) {
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint32_t query = query_of(m, half);
        const int32_t which =
            query < arguments.count ? arguments.filter[query] : -1;
        filter[m][half] = which < 0 ? nullptr
                                    : arguments.filters +
                                          size_t{static_cast<uint32_t>(which)} *
                                              arguments.filter_words;
      }
    }
  }

  const uint32_t all_stages = layout.tiles() / kTilesAtOnce;
  const uint32_t begin = blockIdx.y * arguments.stages_per_block;
  const uint32_t end = min(all_stages, begin + arguments.stages_per_block);
  if (begin >= end) return;
  const auto copy = [&](uint32_t stage) {
    if (stage < end) {
      const uint4* from = arguments.items + size_t{stage} * kStageWords;
      uint4* to = shared + (stage - begin) % kStages * kStageWords;
      for (uint32_t w = threadIdx.x; w < kStageWords; w += blockDim.x) {
        CopyAsync(to + w, from + w);
      }
    }
    CommitCopies();
  };
  for (int s = 0; s < kStages - 1; ++s) copy(begin + s);

  const uint32_t groups = layout.groups();
  const uint32_t last_of_block = layout.tiles_per_block() - 1;
  float greatest[kTiles][2];
  uint32_t allowed[kTiles][2];
#pragma unroll
  for (int m = 0; m < kTiles; ++m) {
    greatest[m][0] = greatest[m][1] = NegativeInfinity();
    allowed[m][0] = allowed[m][1] = 0;
  }

  for (uint32_t stage = begin; stage < end; ++stage) {
    AwaitStage();
    __syncthreads();
    copy(stage + kStages - 1);
    const uint4* items = shared + (stage - begin) % kStages * kStageWords;
#pragma unroll 4
    for (uint32_t t = 0; t < kTilesAtOnce; ++t) {
      const uint32_t tile = stage * kTilesAtOnce + t;
      const uint32_t within = tile & last_of_block;
      const uint32_t group = tile / (last_of_block + 1) * 4 + lane % 4;
      if (kFiltered && within == 0) {
        const uint32_t row = group * layout.group;
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const uint32_t* words = filter[m][half];
            allowed[m][half] = row >= layout.rows ? 0
                               : words == nullptr
                                   ? kAllLanes
                                   : words[row / 32] >> (row % 32);
          }
        }
      }
      uint4 b[kDepth / 2];
#pragma unroll
      for (int pair = 0; pair < kDepth / 2; ++pair) {
        b[pair] = items[t * kTileWords + pair * kLanes + lane];
      }
#pragma unroll
      for (int m = 0; m < kTiles; ++m) {
        float c[4] = {0, 0, 0, 0};
#pragma unroll
        for (int pair = 0; pair < kDepth / 2; ++pair) {
          MultiplyAdd(a[m][2 * pair], b[pair].x, b[pair].y, c);
          MultiplyAdd(a[m][2 * pair + 1], b[pair].z, b[pair].w, c);
        }
        if (kFiltered) {
          const uint32_t bit = 2 * within;
          if (!(allowed[m][0] >> bit & 1)) c[0] = NegativeInfinity();
          if (!(allowed[m][0] >> bit & 2)) c[1] = NegativeInfinity();
          if (!(allowed[m][1] >> bit & 1)) c[2] = NegativeInfinity();
          if (!(allowed[m][1] >> bit & 2)) c[3] = NegativeInfinity();
        }
        greatest[m][0] = fmaxf(greatest[m][0], fmaxf(c[0], c[1]));
        greatest[m][1] = fmaxf(greatest[m][1], fmaxf(c[2], c[3]));
      }
      if (within == last_of_block) {
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const uint32_t query = query_of(m, half);
            if (query < arguments.count && group < groups) {
              arguments.maxima[size_t{query} * groups + group] =
                  greatest[m][half];
            }
            greatest[m][half] = NegativeInfinity();
          }
        }
      }
    }
  }
}

template <int kDepth, int kTiles>
void LaunchScore(const ScoreArguments& from, uint32_t warps,
                 cudaStream_t stream) {
  ScoreArguments arguments = from;
  const uint32_t per_block = warps * kTiles * 16;
  const uint32_t across = (arguments.count + per_block - 1) / per_block;
  const uint32_t stages = arguments.layout.tiles() / StageTiles(kDepth);
  // Enough blocks for every multiprocessor several times; a block's part of
  // the items ends where a block of groups ends.
  constexpr uint32_t kWanted = 132 * 8;
  const uint32_t unit = 16 / StageTiles(kDepth);
  uint32_t each = (stages * across + kWanted - 1) / kWanted;
  each = (each + unit - 1) / unit * unit;
  if (each == 0) each = unit;
  arguments.stages_per_block = each;
  const dim3 grid(across, (stages + each - 1) / each);
  const size_t bytes =
      size_t{kStages} * StageTiles(kDepth) * kDepth / 2 * kLanes * 16;
  const auto launch = [&](auto kernel) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                         static_cast<int>(bytes));
    kernel<<<grid, warps * kLanes, bytes, stream>>>(arguments);
  };
  if (arguments.filter != nullptr) {
    launch(ScoreGroupsKernel<kDepth, kTiles, true>);
  } else {
    launch(ScoreGroupsKernel<kDepth, kTiles, false>);
  }
}

template <int kDepth>
void ChooseScore(const ScoreArguments& arguments, cudaStream_t stream) {
  // As many queries in a warp's registers as there is room for.
  constexpr int kMost = kDepth <= 4 ? 4 : kDepth == 8 ? 2 : 1;
  const uint32_t tiles = (arguments.count + 15) / 16;
  if (tiles == 1 || kMost == 1) {
    LaunchScore<kDepth, 1>(arguments, min(tiles, 4u), stream);
  } else if (tiles <= 8 || kMost == 2) {
    LaunchScore<kDepth, kMost >= 2 ? 2 : 1>(arguments, min((tiles + 1) / 2, 4u),
                                            stream);
  } else {
    LaunchScore<kDepth, kMost>(arguments, 4, stream);
  }
}

// --- Selection -------------------------------------------------------------

struct SelectArguments {
  GpuRows rows;
  GpuQueries queries;
  GpuResults results;
  uint32_t candidates;  // room for so many, a power of two
};

// The exact score: products of floats summed as doubles, so that it does not
// depend on the order to a float's precision.
__device__ float ExactScore(const GpuRows& rows, const double* query,
                            uint32_t row) {
  double sum = 0;
  const float4* words = rows.exact + ExactWord(row, 0, rows.quads);
  for (uint32_t quad = 0; quad < rows.quads; ++quad) {
    const float4 x = words[size_t{quad} * 32];
    sum += double{x.x} * query[4 * quad] + double{x.y} * query[4 * quad + 1] +
           double{x.z} * query[4 * quad + 2] +
           double{x.w} * query[4 * quad + 3];
  }
  return static_cast<float>(sum);
}

__device__ bool IsExcluded(const uint32_t* excluded, uint32_t count,
                           uint32_t item) {
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (excluded[middle] < item) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && excluded[low] == item;
}

// Greater scores first, then smaller rows: ascending keys.
__device__ uint64_t KeyOf(float score, uint32_t row) {
  const uint32_t bits = __float_as_uint(score);
  const uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return uint64_t{~ascending} << 32 | row;
}
__device__ float ScoreOf(uint64_t key) {
  const uint32_t ascending = ~static_cast<uint32_t>(key >> 32);
  return __uint_as_float(ascending & 0x80000000u ? ascending & 0x7fffffffu
                                                 : ~ascending);
}

// One block of threads for each query.
__global__ void SelectBestKernel(SelectArguments arguments) {
  const GpuRows& rows = arguments.rows;
  const GpuQueries& queries = arguments.queries;
  const uint32_t query = blockIdx.x;
  const uint32_t capacity = arguments.candidates;
  const uint32_t group_rows = rows.layout.group;
  const uint32_t groups = rows.layout.groups();
  const uint32_t k = queries.k[query];

  extern __shared__ char memory[];
  uint64_t* const keys = reinterpret_cast<uint64_t*>(memory);  // [capacity]
  double* const vector = reinterpret_cast<double*>(keys + capacity);
  uint32_t* const bins =
      reinterpret_cast<uint32_t*>(vector + 4 * rows.quads);  // [kBins]
  uint32_t* const list = bins + kBins;                       // [capacity]
  __shared__ uint32_t num_groups, num_candidates;
  __shared__ int first_bin;

  const uint32_t thread = threadIdx.x;
  const uint32_t threads = blockDim.x;
  const uint32_t lane = thread % kLanes;
  float* const maxima = queries.maxima + size_t{query} * groups;
  const uint32_t* const excluded =
      queries.excluded + queries.excluded_begin[query];
  const uint32_t num_excluded =
      queries.excluded_begin[query + 1] - queries.excluded_begin[query];
  const int32_t which = queries.filter == nullptr ? -1 : queries.filter[query];
  const uint32_t* const filter =
      which < 0 ? nullptr
                : queries.filters + size_t{static_cast<uint32_t>(which)} *
                                        queries.filter_words;
  const auto allows = [&](uint32_t row) {
    if (filter != nullptr && !(filter[row / 32] >> (row % 32) & 1)) {
      return false;
    }
    return !IsExcluded(excluded, num_excluded, rows.item_of_row[row]);
  };

  for (uint32_t c = thread; c < 4 * rows.quads; c += threads) {
    vector[c] =
        c < rows.dim ? queries.vectors[size_t{query} * rows.dim + c] : 0.0;
  }
  for (uint32_t b = thread; b < kBins; b += threads) bins[b] = 0;
  if (thread == 0) {
    num_groups = num_candidates = 0;
    first_bin = -1;
  }
  __syncthreads();

  // Groups with an excluded row: their greatest score without it, exactly.
  // A group named twice is computed twice, to the same value.
  const uint32_t together = kLanes / group_rows;  // groups a warp does at once
  const uint32_t warps = threads / kLanes;
  const uint32_t slot = lane / group_rows;
  for (uint32_t e = thread / kLanes * together; e < num_excluded;
       e += warps * together) {
    const uint32_t item = e + slot < num_excluded ? excluded[e + slot] : ~0u;
    const int32_t named = item < rows.items ? rows.row_of_item[item] : -1;
    float score = NegativeInfinity();
    const uint32_t group = named < 0 ? 0 : named / group_rows;
    const uint32_t row = group * group_rows + lane % group_rows;
    if (named >= 0 && row < rows.layout.rows && allows(row)) {
      score = ExactScore(rows, vector, row);
    }
    for (uint32_t step = group_rows / 2; step > 0; step /= 2) {
      score = fmaxf(score, __shfl_xor_sync(kAllLanes, score, step));
    }
    if (named >= 0 && lane % group_rows == 0) maxima[group] = score;
  }
  __syncthreads();

  // How far the score in half precision can be off (Cauchy-Schwarz), and the
  // range of the bins.
  const float norm = queries.bounds[2 * query];
  const float reach = norm * rows.bounds[0];
  const float error = queries.bounds[2 * query + 1] * rows.bounds[0] +
                      norm * rows.bounds[1] +
                      static_cast<float>(rows.layout.depth) * 1e-5f * reach;
  const float range = reach + error + FLT_MIN;
  if (!(range < FLT_MAX)) {  // values that are not finite
    if (thread == 0) arguments.results.found[query] = GpuResults::kOverflow;
    return;
  }
  const float per_bin = kBins / (2 * range);
  const auto bin_of = [&](float score) {
    return min(kBins - 1, max(0, static_cast<int>((score + range) * per_bin)));
  };

  // Several loads are under way at a time: nothing else is there to wait for.
  const auto for_each_maximum = [&](auto visit) {
    constexpr int kAtOnce = 8;
    for (uint32_t first = thread; first < groups; first += kAtOnce * threads) {
      float scores[kAtOnce];
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        const uint32_t group = first + i * threads;
        scores[i] = group < groups ? maxima[group] : NegativeInfinity();
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) visit(first + i * threads, scores[i]);
    }
  };

  // The highest bin such that k groups are in it or above: as many rows at
  // least have scores above its lower edge.
  for_each_maximum([&](uint32_t, float score) {
    if (score > NegativeInfinity()) atomicAdd(&bins[bin_of(score)], 1);
  });
  __syncthreads();
  // Each thread of the first warp sums a part; the parts are looked through
  // from the top.
  if (thread < kLanes) {
    constexpr int kPart = kBins / kLanes;
    uint32_t own = 0;
    for (int b = 0; b < kPart; ++b) own += bins[lane * kPart + b];
    uint32_t above = 0;  // in the parts of higher lanes
    for (int other = kLanes - 1; other > 0; --other) {
      const uint32_t theirs = __shfl_sync(kAllLanes, own, other);
      if (static_cast<int>(lane) < other) above += theirs;
    }
    if (above < k && above + own >= k) {
      uint32_t sum = above;
      for (int b = kPart - 1; b >= 0; --b) {
        sum += bins[lane * kPart + b];
        if (sum >= k) {
          first_bin = static_cast<int>(lane) * kPart + b;
          break;
        }
      }
    }
  }
  __syncthreads();
  // One bin lower, against the rounding of bin_of.
  const float threshold =
      first_bin < 0 ? NegativeInfinity()
                    : static_cast<float>(first_bin - 1) / per_bin - range;
  const float least_score = threshold - error;
  const float least_maximum = threshold - 2 * error;

  for_each_maximum([&](uint32_t group, float score) {
    if (!(score > NegativeInfinity()) || score < least_maximum) return;
    const uint32_t at = atomicAdd(&num_groups, 1);
    if (at < capacity) list[at] = group;
  });
  __syncthreads();
  const uint32_t listed = num_groups;
  if (listed > capacity) {
    if (thread == 0) arguments.results.found[query] = GpuResults::kOverflow;
    return;
  }

  for (uint32_t g = thread / kLanes * together; g < listed;
       g += warps * together) {
    if (g + slot >= listed) continue;
    const uint32_t row = list[g + slot] * group_rows + lane % group_rows;
    if (row >= rows.layout.rows) continue;
    const float score = ExactScore(rows, vector, row);
    if (!(score >= least_score) || !allows(row)) continue;
    const uint32_t at = atomicAdd(&num_candidates, 1);
    if (at < capacity) keys[at] = KeyOf(score, row);
  }
  __syncthreads();
  const uint32_t met = num_candidates;
  if (met > capacity) {
    if (thread == 0) arguments.results.found[query] = GpuResults::kOverflow;
    return;
  }

  // Bitonic sort of the next power of two.
  uint32_t size = 1;
  while (size < met) size *= 2;
  for (uint32_t i = met + thread; i < size; i += threads) keys[i] = ~0ull;
  for (uint32_t span = 2; span <= size; span *= 2) {
    for (uint32_t step = span / 2; step > 0; step /= 2) {
      __syncthreads();
      for (uint32_t i = thread; i < size / 2; i += threads) {
        const uint32_t low = 2 * i - (i & (step - 1));
        const uint32_t high = low + step;
        const bool ascending = (low & span) == 0;
        const uint64_t x = keys[low];
        const uint64_t y = keys[high];
        if ((x > y) == ascending) {
          keys[low] = y;
          keys[high] = x;
        }
      }
    }
  }
  __syncthreads();
  const uint32_t found = min(met, k);
  const uint32_t to = queries.result_begin[query];
  for (uint32_t i = thread; i < found; i += threads) {
    arguments.results.scores[to + i] = ScoreOf(keys[i]);
    arguments.results.items[to + i] =
        rows.item_of_row[static_cast<uint32_t>(keys[i])];
  }
  if (thread == 0) {
    arguments.results.found[query] = static_cast<int32_t>(found);
  }
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

void ScoreGroups(const GpuRows& rows, const GpuQueries& queries,
                 cudaStream_t stream) {
  const uint32_t depth = rows.layout.depth;
  PackQueriesKernel<<<Blocks(size_t{(queries.count + 15) / 16} * depth * kLanes,
                             256),
                      256, 0, stream>>>(queries.vectors, queries.count,
                                        rows.dim, depth, queries.halves);
  QueryBoundsKernel<<<Blocks(size_t{queries.count} * kLanes, 256), 256, 0,
                      stream>>>(queries.vectors, queries.count, rows.dim,
                                queries.bounds);
  ScoreArguments arguments;
  arguments.items = rows.halves;
  arguments.queries = queries.halves;
  arguments.layout = rows.layout;
  arguments.count = queries.count;
  arguments.stages_per_block = 0;
  arguments.filter = queries.filter;
  arguments.filters = queries.filters;
  arguments.filter_words = queries.filter_words;
  arguments.maxima = queries.maxima;
  switch (depth) {
    case 2:
      return ChooseScore<2>(arguments, stream);
    case 4:
      return ChooseScore<4>(arguments, stream);
    case 8:
      return ChooseScore<8>(arguments, stream);
    default:
      return ChooseScore<16>(arguments, stream);
  }
}

void SelectBest(const GpuRows& rows, const GpuQueries& queries, uint32_t most,
                const GpuResults& results, cudaStream_t stream) {
  SelectArguments arguments;
  arguments.rows = rows;
  arguments.queries = queries;
  arguments.results = results;
  arguments.candidates = most <= kMostFew ? kFewCandidates : kManyCandidates;
  const size_t bytes =
      arguments.candidates * (sizeof(uint64_t) + sizeof(uint32_t)) +
      4 * rows.quads * sizeof(double) + kBins * sizeof(uint32_t);
  cudaFuncSetAttribute(SelectBestKernel,
                       cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(bytes));
  // A query alone gets more threads.
  const uint32_t threads = queries.count < 132 ? 1024 : kSelectThreads;
  SelectBestKernel<<<queries.count, threads, bytes, stream>>>(arguments);
}

}  // namespace taud::index
