#ifndef TAUD_INDEX_GPU_FAILOVER_INDEX_H_
#define TAUD_INDEX_GPU_FAILOVER_INDEX_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// Searches with `gpu` until that is UNAVAILABLE or INTERNAL once, and from then
// on, that search included, with an exact index on the CPU, which is built when
// it is first needed. So nobody gets an error because a GPU is lost. `on_error`
// is called once, with what went wrong, on a searching thread; it may be null.
// Any thread. `snapshot` is what `gpu` was built of, and outlives this.
std::unique_ptr<SearchIndex> MakeFailoverIndex(
    const model::Snapshot& snapshot, std::unique_ptr<SearchIndex> gpu,
    std::function<void(const absl::Status&)> on_error);

}  // namespace taud::index

#endif  // TAUD_INDEX_GPU_FAILOVER_INDEX_H_
