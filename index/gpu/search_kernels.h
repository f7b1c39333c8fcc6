#ifndef TAUD_INDEX_GPU_SEARCH_KERNELS_H_
#define TAUD_INDEX_GPU_SEARCH_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "index/gpu/row_layout.h"

// The kernels of exact search on a GPU; gpu_index.h tells how they make one.
// All pointers are to memory of the GPU, and all calls return at once: what
// they start is done in the order of `stream`.

namespace taud::index {

// A catalogue, as PackRows leaves it.
struct GpuRows {
  RowLayout layout;
  uint32_t dim = 0;
  uint32_t quads = 0;       // dim / 4, rounded up
  uint4* halves = nullptr;  // [layout.words()] in half precision
  float4* exact = nullptr;  // [⌈rows / 32⌉ × quads × 32], see ExactWord
  // Rows are items that can be found, in the order of the items.
  const uint32_t* item_of_row = nullptr;  // [rows]
  const int32_t* row_of_item = nullptr;   // [items], −1: has no row
  uint32_t items = 0;
  // [2] over all rows: the greatest norm, and the greatest norm of what half
  // precision lost of a row.
  float* bounds = nullptr;
};

// Fills in what `rows` points to from `values` [rows × dim], row-major.
void PackRows(const float* values, const GpuRows& rows, cudaStream_t stream);

// The queries of one launch.
struct GpuQueries {
  uint32_t count = 0;
  const float* vectors = nullptr;  // [count × dim]
  uint4* halves = nullptr;         // [⌈count / 16⌉ × depth × 32], scratch
  float* bounds = nullptr;         // [count × 2] as GpuRows::bounds, scratch
  const uint32_t* k = nullptr;     // [count] how many are wanted
  // [count + 1] where each query's part of `excluded` begins, and of results.
  const uint32_t* excluded_begin = nullptr;
  const uint32_t* result_begin = nullptr;
  // Items that may not be returned, ascending for each query.
  const uint32_t* excluded = nullptr;
  // [count] which filter, −1: none. Null if no query has one.
  const int32_t* filter = nullptr;
  // [filters × filter_words] bit r % 32 of word r / 32: row r may be returned.
  const uint32_t* filters = nullptr;
  uint32_t filter_words = 0;
  // [count × groups] the greatest score of each group of rows, scratch.
  float* maxima = nullptr;
};

// Fills in the halves and bounds of the queries.
void PackQueries(const GpuRows& rows, const GpuQueries& queries,
                 cudaStream_t stream);

// Packs the queries, and writes the maxima of what the filters allow.
void ScoreGroups(const GpuRows& rows, const GpuQueries& queries,
                 cudaStream_t stream);

struct GpuResults {
  float* scores = nullptr;    // at result_begin[q]: k[q] of them, best first
  uint32_t* items = nullptr;  // the same
  // [count] how many were found: min(k, rows that may be returned). kOverflow:
  // too many rows are too close to tell apart; nothing was written.
  int32_t* found = nullptr;
  static constexpr int32_t kOverflow = -1;
};

// Candidates that SelectBest can keep apart, by the greatest k of a launch.
constexpr uint32_t kFewCandidates = 2048;
constexpr uint32_t kManyCandidates = 8192;
constexpr uint32_t kMostFew = 512;    // k with which kFewCandidates are enough
constexpr uint32_t kMostBest = 4096;  // the greatest k

// From the maxima to the best rows: a threshold that at least k rows reach,
// exact scores for the groups that reach it, and a sort. `most` is the
// greatest k. REQUIRES: 0 < k <= kMostBest.
void SelectBest(const GpuRows& rows, const GpuQueries& queries, uint32_t most,
                const GpuResults& results, cudaStream_t stream);

// A filter by row from one by item: `words` [item_words] has bit i % 64 of
// word i / 64 set if item i may be returned. Writes ⌈rows / 32⌉ words.
void FilterToRows(const GpuRows& rows, const uint64_t* words,
                  uint32_t item_words, uint32_t* filter, cudaStream_t stream);

}  // namespace taud::index

#endif  // TAUD_INDEX_GPU_SEARCH_KERNELS_H_
