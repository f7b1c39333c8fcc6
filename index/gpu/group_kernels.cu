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
constexpr int kScoreThreads = 128;  // at most

__device__ float NegativeInfinity() { return -INFINITY; }

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
// written is the greatest of each group. Longer than a function should be: the
// registers of a warp cannot be handed to another one.
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

}  // namespace

void ScoreGroups(const GpuRows& rows, const GpuQueries& queries,
                 cudaStream_t stream) {
  PackQueries(rows, queries, stream);
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
  switch (rows.layout.depth) {
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

}  // namespace taud::index
