#include "index/search_plan.h"

#include <algorithm>

namespace taud::index {
namespace {

// A gathered row costs about this many times a scanned one: it is read out of
// order, and without the help of BLAS.
constexpr size_t kGatherCost = 8;
// And many more times one that is scanned as bytes.
constexpr size_t kByteGatherCost = 32;

}  // namespace

SearchPath ChoosePath(size_t rows, size_t eligible, size_t k) {
  if (k == 0 || eligible == 0) return SearchPath::kEmpty;
  if (eligible * kGatherCost <= rows) return SearchPath::kDirect;
  if (k + (rows - eligible) <= kMaxOverfetch) return SearchPath::kOverfetch;
  return SearchPath::kSelector;
}

ScanPath ChooseScanPath(size_t fewest_scanned, size_t eligible, size_t k) {
  if (k == 0 || eligible == 0) return ScanPath::kEmpty;
  // If all that is eligible comes back, it has to be scored exactly anyway.
  if (eligible <= k) return ScanPath::kDirect;
  if (eligible * kByteGatherCost <= fewest_scanned) return ScanPath::kDirect;
  return ScanPath::kScan;
}

}  // namespace taud::index
