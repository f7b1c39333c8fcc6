#include <cfloat>

#include "index/gpu/search_kernels.h"

namespace taud::index {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;
// Bins of the histogram that finds a threshold.
constexpr int kBins = 4096;
constexpr int kSelectThreads = 256;

__device__ float NegativeInfinity() { return -INFINITY; }

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

// One block of threads for each query. Longer than a function should be: its
// stages hand each other what is in the block's shared memory, and each begins
// where all threads have met.
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

}  // namespace

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
