#include "index/search_plan.h"

#include <algorithm>

namespace taud::index {
namespace {

// A gathered row costs about this many times a scanned one: it is read out of
// order, and without the help of BLAS.
constexpr size_t kGatherCost = 8;
// And many more times one that is scanned as bytes.
constexpr size_t kByteGatherCost = 32;
// Rows that a ranker is asked for beyond what is probably enough.
constexpr size_t kRankSlack = 32;

}  // namespace

SearchPath ChoosePath(size_t rows, size_t eligible, size_t k) {
  if (k == 0 || eligible == 0) return SearchPath::kEmpty;
  if (eligible * kGatherCost <= rows) return SearchPath::kDirect;
  if (k + (rows - eligible) <= kMaxOverfetch) return SearchPath::kOverfetch;
  return SearchPath::kSelector;
}

int ChooseRankDepth(size_t rows, size_t eligible, size_t k, size_t max_depth) {
  if (eligible * kGatherCost <= rows) return -1;
  const size_t wanted = std::min(k, eligible);
  // So many are certainly enough; where the filter is blind to the scores, the
  // eligible ones are spread evenly, and half as many again are nearly always.
  const size_t certain = wanted + (rows - eligible);
  const size_t probable =
      wanted * rows / eligible + wanted * rows / eligible / 2 + kRankSlack;
  const size_t depth = std::min({certain, probable, rows});
  if (depth > max_depth) return -1;
  int log2 = 0;
  while ((size_t{1} << log2) < depth) ++log2;
  return log2;
}

ScanPath ChooseScanPath(size_t fewest_scanned, size_t eligible, size_t k) {
  if (k == 0 || eligible == 0) return ScanPath::kEmpty;
  // If all that is eligible comes back, it has to be scored exactly anyway.
  if (eligible <= k) return ScanPath::kDirect;
  if (eligible * kByteGatherCost <= fewest_scanned) return ScanPath::kDirect;
  return ScanPath::kScan;
}

}  // namespace taud::index
