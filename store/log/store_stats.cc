#include "store/log/store_stats.h"

#include <string>

#include "absl/time/clock.h"
#include "spdlog/spdlog.h"

namespace taud::store {

void StoreStats::NoteWritable(const absl::Status& status) {
  const std::string now(status.message());
  {
    absl::MutexLock lock(&mutex_);
    const bool changed = stats_.refusing.empty() != now.empty();
    stats_.refusing = now;
    if (!changed) return;
    stats_.refusing_since_ms =
        now.empty() ? 0 : absl::ToUnixMillis(absl::Now());
  }
  if (status.ok()) {
    spdlog::warn("event store: interactions are taken again");
  } else {
    spdlog::error("event store: interactions are refused: {}", now);
  }
}

EventStore::Stats StoreStats::Get() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace taud::store
