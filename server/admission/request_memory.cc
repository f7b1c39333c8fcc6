#include "server/admission/request_memory.h"

#include "index/search_index.h"

namespace taud::server {

size_t EstimateBytes(const std::vector<RecommendTask>& tasks, size_t items) {
  constexpr size_t kTask = 1024;
  // An item of a response with its title, as objects and bytes; one that is
  // ranked and left out, because it stands on an earlier page.
  constexpr size_t kResult = 384;
  constexpr size_t kRanked = sizeof(RankedItem) + sizeof(index::Hit);
  // Tasks that are searched together: each has a copy of its lists then.
  constexpr size_t kTogether = 64;
  size_t bytes = 0;
  const ItemFilter* common = nullptr;
  size_t of_common = 0;
  for (const RecommendTask& task : tasks) {
    const ItemFilter& filter = task.filter_in_use();
    if (&filter != common) of_common = 0;
    common = &filter;
    const size_t lists = of_common++ <= kTogether
                             ? filter.excluded.size() + filter.only.size()
                             : 0;
    bytes += kTask + task.k * kResult + task.offset * kRanked +
             (task.context.size() + lists) * sizeof(model::ItemIndex);
    // A bitmap of its own, and one on the way to it.
    if (filter.only_some || !filter.tags.empty()) bytes += 2 * items / 8;
  }
  return bytes;
}

}  // namespace taud::server
