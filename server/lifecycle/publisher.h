#ifndef TAUD_SERVER_LIFECYCLE_PUBLISHER_H_
#define TAUD_SERVER_LIFECYCLE_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "model/steady_clock.h"
#include "server/serving/serving_model.h"
#include "store/files/snapshot_files.h"

namespace taud::server {

// Brings snapshots into service: numbers them, asks the gate, builds the
// index beside the serving one, swaps, frees the old one when its last
// request has let go of it, and saves to disk now and then. Takes whatever was
// erased out of every snapshot before it serves, and out of those on disk. A
// version that was rolled back to stays in service until the next PublishNow.
//
// Thread-safe. Owns one thread, which does all of that; the trainer only
// hands over. If snapshots come faster than they can be built, the newest
// wins. What throws on that thread fails the one thing it was at.
class Publisher {
 public:
  struct Options {
    std::string directory;  // of the snapshots on disk
    size_t keep = 5;
    uint64_t max_bytes = 0;  // of all snapshots on disk; 0: any
    uint64_t min_free_bytes = 0;
    absl::Duration save_interval = absl::Seconds(30);
    size_t dim = 64;
    index::IndexOptions index;
    // By which intervals are measured; tests bring their own.
    std::function<absl::Time()> steady_now = model::SteadyNow;
  };

  // Called once, on the publisher's thread, when a snapshot serves, or with
  // the gate's rejection.
  struct Published {
    model::SnapshotVersion version = 0;
    model::Sequence trained_through = 0;
  };
  using Done = std::function<void(absl::StatusOr<Published>)>;

  // `state` and `slot` outlive the publisher. `on_swap` is called on its
  // thread after each swap.
  Publisher(const Options& options, const model::State* state,
            ServingSlot* slot, std::function<void()> on_swap);
  ~Publisher();

  // Puts the pinned or else the newest valid snapshot on disk into service and
  // returns it; null if there is none. Damaged ones, and those of another
  // dimension, are logged and passed over. DATA_LOSS if a snapshot has learnt
  // more than the log has, which ends at `log_end`. REQUIRES: before Start.
  absl::StatusOr<std::shared_ptr<const model::Snapshot>> Restore(
      model::Sequence log_end);

  void Start();

  // Hands over a snapshot of version 0. Returns at once.
  void Offer(std::unique_ptr<model::Snapshot> snapshot);

  // Calls `request`, which makes the trainer offer a snapshot. If that says
  // OK, `done` will be called for the first snapshot offered since (or with
  // UNAVAILABLE on Stop), which is saved to disk whatever the interval;
  // otherwise its error, or RESOURCE_EXHAUSTED if many wait already, is
  // returned and `done` is not called. A snapshot that has learnt less than the
  // serving one, as after a start from an older checkpoint, is not taken for
  // it: the call waits until training has caught up. One that is rejected or
  // cannot be saved leaves a version that is pinned where it is.
  absl::Status PublishNow(const std::function<absl::Status()>& request,
                          Done done);

  // Puts the version on disk back into service and pins it; 0: the newest that
  // is older than the serving one. `done` as in PublishNow. UNAVAILABLE while
  // stopping, RESOURCE_EXHAUSTED if many wait already.
  absl::Status Rollback(model::SnapshotVersion version, Done done);
  // The version that is pinned; 0: none.
  model::SnapshotVersion pinned() const;

  // Takes the rows of the users and items out of the serving snapshot, which
  // becomes a new version, and out of every one on disk. Waits until that is
  // done. Returns the version that serves then, 0 if none does.
  absl::StatusOr<model::SnapshotVersion> Erase(
      const std::vector<model::UserIndex>& users,
      const std::vector<model::ItemIndex>& items);

  // Runs `work` between two publications, when nothing changes on disk, and
  // waits for it. UNAVAILABLE while stopping. For the upkeep's thread: it is
  // not counted among the calls that may wait.
  absl::Status RunQuietly(const std::function<absl::Status()>& work);

  // Brings what was offered into service, saves the serving snapshot if that
  // was not done, joins the thread. Idempotent.
  void Stop();

  // Snapshots on disk, oldest first.
  std::vector<store::SnapshotInfo> Saved() const;

  // Models in memory at a time: one that serves, and old ones that requests
  // still hold. A new snapshot waits while there are so many.
  static constexpr size_t kMaxLive = 3;

  struct Stats {
    uint64_t swaps = 0;
    uint64_t rejected = 0;
    uint64_t superseded = 0;  // replaced before they were built
    uint64_t save_errors = 0;
    uint64_t held_back = 0;    // while a version was pinned, or behind it
    int64_t last_swap_ms = 0;  // Unix milliseconds; 0: none
    size_t live = 0;  // models in memory: the serving one and retired ones
    double oldest_retired_seconds = 0;
    std::string last_rejection;
  };
  Stats stats() const;

 private:
  struct Waiter {
    uint64_t id = 0;
    Done done;
  };
  struct Offered {
    std::unique_ptr<model::Snapshot> snapshot;
    std::vector<Waiter> waiters;
  };

  void Run();
  void Process(Offered offered);
  // What Process does but for the answers.
  absl::StatusOr<Published> PublishOffered(
      std::unique_ptr<model::Snapshot> snapshot, bool asked_for);
  // Whether it has learnt less than what serves.
  bool IsBehind(const model::Snapshot& snapshot) const;
  absl::StatusOr<std::shared_ptr<const ServingModel>> Build(
      std::unique_ptr<model::Snapshot> snapshot);
  absl::StatusOr<model::SnapshotVersion> NextVersion();
  void Swap(std::shared_ptr<const ServingModel> next);
  // One of the snapshots on disk, ready to serve, or why it is not.
  absl::StatusOr<std::shared_ptr<const ServingModel>> LoadModel(
      model::SnapshotVersion version);
  absl::StatusOr<Published> RollbackNow(model::SnapshotVersion version);
  absl::StatusOr<model::SnapshotVersion> EraseNow(
      const std::vector<model::UserIndex>& users,
      const std::vector<model::ItemIndex>& items);
  absl::Status EraseOnDisk(const std::vector<model::UserIndex>& users,
                           const std::vector<model::ItemIndex>& items);
  absl::Status Pin(model::SnapshotVersion version);
  absl::Status Save(const model::Snapshot& snapshot);
  void RefreshSaved();
  // Frees retired models that no request holds any more.
  void FreeRetired();
  // Waits until there are fewer than kMaxLive models in memory, or Stop.
  void AwaitRoom();

  // Constant after construction.
  const Options options_;
  const model::State* const state_;
  ServingSlot* const slot_;
  const std::function<void()> on_swap_;

  std::thread thread_;  // touched by Start and Stop

  // The publisher thread's own (Restore's before Start, Stop's after join).
  model::SnapshotVersion last_version_ = 0;
  model::SnapshotVersion reserved_through_ = 0;
  model::SnapshotVersion saved_version_ = 0;
  index::IndexBuilder builder_;
  absl::Time last_save_ = absl::InfinitePast();  // steady, as below
  struct Retired {
    std::shared_ptr<const ServingModel> model;
    absl::Time since;
  };
  std::vector<Retired> retired_;

  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;  // the publisher thread's
  bool offered_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  Offered next_ ABSL_GUARDED_BY(mutex_);
  std::vector<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_waiter_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<store::SnapshotInfo> saved_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  model::SnapshotVersion pinned_ ABSL_GUARDED_BY(mutex_) = 0;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_PUBLISHER_H_
