#include "server/admission/request_memory.h"

#include "model/types.h"

namespace taud::server {

size_t EstimateBytes(const std::vector<RecommendTask>& tasks, size_t items) {
  constexpr size_t kTask = 1024;
  // An item of a response with its title, as objects and bytes.
  constexpr size_t kResult = 448;
  // An item of an earlier page: in the task, left out, in the next token.
  constexpr size_t kGiven = 6 * sizeof(model::ItemIndex);
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
    bytes += kTask + task.k * kResult + task.given.size() * kGiven +
             (task.context.size() + lists) * sizeof(model::ItemIndex);
    // A bitmap of its own, and one on the way to it.
    if (filter.only_some || !filter.tags.empty()) bytes += 2 * items / 8;
  }
  return bytes;
}

}  // namespace taud::server
