#include "server/admission/request_memory.h"

#include "index/search_index.h"

namespace taud::server {

size_t EstimateBytes(const std::vector<RecommendTask>& tasks, size_t items) {
  constexpr size_t kTask = 1024;
  // An item of a response with its title, as objects and bytes; one that is
  // ranked and left out, because it stands on an earlier page.
  constexpr size_t kResult = 384;
  constexpr size_t kRanked = sizeof(RankedItem) + sizeof(index::Hit);
  size_t bytes = 0;
  for (const RecommendTask& task : tasks) {
    const ItemFilter& filter = task.filter;
    bytes +=
        kTask + task.k * kResult + task.offset * kRanked +
        (task.context.size() + filter.excluded.size() + filter.only.size()) *
            sizeof(model::ItemIndex);
    // A bitmap of its own, and one on the way to it.
    if (filter.only_some || !filter.tags.empty()) bytes += 2 * items / 8;
  }
  return bytes;
}

}  // namespace taud::server
