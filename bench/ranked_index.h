#ifndef TAUD_BENCH_RANKED_INDEX_H_
#define TAUD_BENCH_RANKED_INDEX_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "bench/row_ranker.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// Makes the ranker of these rows, which may be forgotten afterwards.
using RankerMaker = std::function<absl::StatusOr<std::unique_ptr<RowRanker>>(
    const model::Matrix& rows)>;

// Exact search, filters and all, over what knows no filters: asks the ranker
// for more rows than are wanted, drops those that may not be returned, and
// where too few are left scores the eligible items itself, on the CPU. What
// `make` returns; INTERNAL if a library or memory fails.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildRankedIndex(
    const model::Snapshot& snapshot, const RankerMaker& make);

}  // namespace taud::index

#endif  // TAUD_BENCH_RANKED_INDEX_H_
