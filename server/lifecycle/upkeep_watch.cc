// What Upkeep looks at every so often because nobody tells of it.

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/lifecycle/upkeep.h"
#include "store/files/data_directory.h"
#include "store/files/free_space.h"

namespace taud::server {

void Upkeep::Watch() {
  store_->CheckWritable().IgnoreError();  // it says so itself
  if (model::SteadyNow() >= stock_due_) {
    TakeStock();
    stock_due_ = model::SteadyNow() + options_.stock_interval;
  }
  const std::vector<store::SnapshotInfo> saved = publisher_->Saved();
  const absl::Status room =
      store::CheckFreeSpace(options_.data_dir, options_.min_free_bytes);
  save_watch_.Observe(
      publisher_->stats().save_errors, saved.empty() ? 0 : saved.back().version,
      std::string(room.message()), absl::ToUnixMillis(absl::Now()));
  {
    absl::MutexLock lock(&mutex_);
    stats_.snapshots = save_watch_.trouble();
  }
  options_.watched();
}

void Upkeep::TakeStock() {
  const store::DiskSpace space = store::SpaceOf(options_.data_dir);
  const uint64_t log = store::BytesBelow(store::LogIn(options_.data_dir));
  const uint64_t snapshots =
      store::BytesBelow(store::SnapshotsIn(options_.data_dir));
  const uint64_t checkpoints = store::BytesBelow(checkpoints_);
  absl::MutexLock lock(&mutex_);
  stats_.space = space;
  stats_.log_bytes = log;
  stats_.snapshot_bytes = snapshots;
  stats_.checkpoint_bytes = checkpoints;
}

}  // namespace taud::server
