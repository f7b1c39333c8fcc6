#include "store/files/snapshot_retention.h"

#include <algorithm>
#include <set>

namespace taud::store {
namespace {

constexpr int64_t kHourMs = int64_t{3600} * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;

bool Contains(const std::vector<model::SnapshotVersion>& versions,
              model::SnapshotVersion version) {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

// The last one of each of so many spans of time, when asked from the newest to
// the oldest.
class LastOfEach {
 public:
  LastOfEach(int64_t span_ms, size_t spans)
      : span_ms_(span_ms), spans_(spans) {}
  bool Takes(int64_t created_ms) {
    if (created_ms == 0 || seen_.size() >= spans_) return false;
    return seen_.insert(created_ms / span_ms_).second;
  }

 private:
  const int64_t span_ms_;
  const size_t spans_;
  std::set<int64_t> seen_;
};

}  // namespace

std::vector<model::SnapshotVersion> Superfluous(
    const std::vector<SnapshotOnDisk>& saved,
    const SnapshotRetention& retention) {
  std::vector<model::SnapshotVersion> superfluous;
  LastOfEach hours(kHourMs, retention.hourly);
  LastOfEach days(kDayMs, retention.daily);
  size_t kept = 0;
  bool has_aside = false;
  uint64_t bytes = 0;
  for (auto one = saved.rbegin(); one != saved.rend(); ++one) {
    const bool aside = Contains(retention.aside, one->version);
    bool stays = Contains(retention.stay, one->version);
    if (aside && !stays) {
      stays = !has_aside;
      has_aside = true;
    } else if (!stays) {
      // Asked both, whatever the first says: each remembers.
      const bool of_hour = hours.Takes(one->created_ms);
      const bool of_day = days.Takes(one->created_ms);
      const bool fits =
          retention.max_bytes == 0 || bytes + one->bytes <= retention.max_bytes;
      const bool wanted = kept < retention.keep || of_hour || of_day;
      stays = wanted && (fits || (kept == 0 && retention.keep > 0));
      kept += stays;
    }
    if (stays) {
      bytes += one->bytes;
    } else {
      superfluous.push_back(one->version);
    }
  }
  std::reverse(superfluous.begin(), superfluous.end());
  return superfluous;
}

}  // namespace taud::store
