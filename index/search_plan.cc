#include "index/search_plan.h"

namespace taud::index {
namespace {

// A gathered row costs about this many times a scanned one: it is read out of
// order, and without the help of BLAS.
constexpr size_t kGatherCost = 8;

}  // namespace

SearchPath ChoosePath(size_t rows, size_t eligible, size_t k) {
  if (k == 0 || eligible == 0) return SearchPath::kEmpty;
  if (eligible * kGatherCost <= rows) return SearchPath::kDirect;
  if (k + (rows - eligible) <= kMaxOverfetch) return SearchPath::kOverfetch;
  return SearchPath::kSelector;
}

}  // namespace taud::index
