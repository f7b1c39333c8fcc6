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
#include "server/lifecycle/decision_log.h"
#include "server/lifecycle/publisher_inbox.h"
#include "server/lifecycle/retired_models.h"
#include "server/lifecycle/snapshot_records.h"
#include "server/lifecycle/snapshot_shelf.h"
#include "server/lifecycle/version_lifecycle.h"
#include "server/quality/gate.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// Brings snapshots into service: numbers them, asks the gate, builds the
// index beside the serving one, swaps, frees the old one when its last
// request has let go of it, and saves to disk now and then. Takes whatever was
// erased out of every snapshot before it serves, and out of those on disk. A
// version that was rolled back to stays in service until the next PublishNow.
//
// It is the thread; what it goes by stands apart: which version is wanted,
// loading, serving and pinned in VersionLifecycle, what is to be done in
// PublisherInbox, the snapshots on disk in SnapshotShelf, models that requests
// still hold in RetiredModels.
//
// Thread-safe. Owns one thread, which does all of that; the trainer only
// hands over. If snapshots come faster than they can be built, the newest
// wins. What throws on that thread fails the one thing it was at, is logged,
// and the thread goes on.
class Publisher {
 public:
  struct Options {
    SnapshotShelf::Options shelf;  // the snapshots on disk
    absl::Duration save_interval = absl::Seconds(30);
    size_t dim = 64;
    index::IndexOptions index;
    // The model that the serving one is compared with, which is held for that
    // and not by a request; for its address alone. May be null.
    std::function<const ServingModel*()> compared_with;
    // Called at each decision, on the publisher's thread; may be null.
    std::function<void(v1::Decision::Kind)> on_decision;
    // By which intervals are measured; tests bring their own.
    std::function<absl::Time()> steady_now = model::SteadyNow;
  };

  // Called exactly once, on the publisher's thread, when a snapshot serves, or
  // with the gate's rejection.
  using Done = std::function<void(absl::StatusOr<Published>)>;

  enum class SwapKind {
    kPublished,  // the next one that training made
    kChosen,     // at the start, by a roll-back, by TakeBack
    // What served before has what was erased: nobody may hold it.
    kErasure,
  };

  // `state` and `slot` outlive the publisher. `on_swap` is called on its
  // thread after each swap.
  Publisher(const Options& options, const model::State* state,
            ServingSlot* slot, std::function<void(SwapKind)> on_swap);
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
  // With `force` the gate's verdict does not stand in its way, and is kept as
  // forced.
  absl::Status PublishNow(const std::function<absl::Status()>& request,
                          Done done, bool force = false);

  // Puts the version on disk back into service and pins it; 0: the newest that
  // is older than the serving one. `done` as in PublishNow. UNAVAILABLE while
  // stopping, RESOURCE_EXHAUSTED if many wait already.
  absl::Status Rollback(model::SnapshotVersion version, Done done);
  // The version that is pinned; 0: none.
  model::SnapshotVersion pinned() const;

  // Puts `model`, which served before and is in memory, back into service in
  // place of version `bad`, which is marked so: nothing if another serves by
  // now. It is not pinned: what the gate lets in beside it follows; but if the
  // same happened within the last hour, it is, until somebody publishes. `why`
  // has the figures. Returns at once; UNAVAILABLE while stopping.
  absl::Status TakeBack(std::shared_ptr<const ServingModel> model,
                        model::SnapshotVersion bad, std::string why);

  // Keeps a version on disk under a name; 0: the one that serves, which is
  // saved if need be. Release ends that: by version, or, if that is 0, by name.
  // Both wait for the publisher's thread and call `done` on it, with the
  // version, once; errors as SnapshotRecords', and NOT_FOUND.
  using KeepDone = std::function<void(absl::StatusOr<model::SnapshotVersion>)>;
  absl::Status Keep(model::SnapshotVersion version, std::string name,
                    KeepDone done);
  absl::Status Release(model::SnapshotVersion version, std::string name,
                       KeepDone done);

  // Adds to the decisions, on its thread: beside the snapshots nothing is
  // written while a backup is made of them.
  void Note(v1::Decision::Kind kind, std::string text);

  // The serving snapshot (0), or one on disk, read anew. Any thread; seconds.
  // NOT_FOUND; UNAVAILABLE if nothing serves.
  absl::StatusOr<std::shared_ptr<const model::Snapshot>> Read(
      model::SnapshotVersion version) const;

  // Both internally synchronised.
  SnapshotRecords* records() { return &records_; }
  const DecisionLog& decisions() const { return decisions_; }

  // Takes the rows of the users and items, and what the `histories` of the
  // users have in the lists of neighbours, out of the serving snapshot, which
  // becomes a new version, and out of every one on disk. Waits until that is
  // done. Returns the version that serves then, 0 if none does.
  absl::StatusOr<model::SnapshotVersion> Erase(
      const std::vector<model::UserIndex>& users,
      const std::vector<model::ItemIndex>& items,
      const model::ItemLists& histories);

  // Runs `work` between two publications, when nothing changes on disk, and
  // waits for it. UNAVAILABLE while stopping. For the upkeep's thread: it is
  // not counted among the calls that may wait.
  absl::Status RunQuietly(const std::function<absl::Status()>& work);

  // Brings what was offered into service, saves the serving snapshot if that
  // was not done, joins the thread. Idempotent.
  void Stop();

  // Snapshots on disk, oldest first.
  std::vector<store::SnapshotInfo> Saved() const;

  // Models in memory at a time: one that serves, one that it is compared with,
  // and old ones that requests still hold. A new snapshot waits while there are
  // so many.
  static constexpr size_t kMaxLive = 4;

  struct Stats {
    uint64_t swaps = 0;
    uint64_t rejected = 0;
    uint64_t superseded = 0;  // replaced before they were built
    uint64_t save_errors = 0;
    uint64_t held_back = 0;    // while a version was pinned, or behind it
    int64_t last_swap_ms = 0;  // Unix milliseconds; 0: none
    size_t live = 0;  // models in memory: the serving one and retired ones
    // Of those that requests hold.
    double oldest_retired_seconds = 0;
    std::string last_rejection;
    uint64_t rejected_in_a_row = 0;
    uint64_t taken_back = 0;  // by TakeBack
  };
  Stats stats() const;

 private:
  void Run();
  // Waits for work and does it. False: there will be none any more.
  bool RunOnce();
  void Process(PublisherInbox::Offered offered);
  // What Process does but for the answers.
  absl::StatusOr<Published> PublishOffered(
      std::unique_ptr<model::Snapshot> snapshot, bool asked_for, bool force);
  // The gate's verdict, kept with the version; the error if it may not serve.
  absl::StatusOr<v1::Verdict> AskGate(const ServingModel& next, bool force);
  void NoteRejection(const absl::Status& why);
  absl::Status TakeBackNow(std::shared_ptr<const ServingModel> model,
                           model::SnapshotVersion bad, const std::string& why);
  absl::Status AnswerLater(
      absl::string_view call, KeepDone done,
      std::function<absl::StatusOr<model::SnapshotVersion>()> work);
  absl::StatusOr<model::SnapshotVersion> KeepNow(model::SnapshotVersion version,
                                                 const std::string& name);
  absl::StatusOr<model::SnapshotVersion> ReleaseNow(
      model::SnapshotVersion version, const std::string& name);
  absl::StatusOr<std::shared_ptr<const ServingModel>> Build(
      std::unique_ptr<model::Snapshot> snapshot);
  // Builds what serves from it. REQUIRES: the lifecycle is loading it.
  absl::StatusOr<std::shared_ptr<const ServingModel>> MakeReady(
      std::unique_ptr<model::Snapshot> snapshot);
  // From here on `next`, which is ready, or nothing serves.
  absl::Status Swap(std::shared_ptr<const ServingModel> next);
  // One of the snapshots on disk, ready to serve, or why it is not.
  absl::StatusOr<std::shared_ptr<const ServingModel>> LoadModel(
      model::SnapshotVersion version);
  absl::StatusOr<std::shared_ptr<const model::Snapshot>> RestoreVersion(
      model::SnapshotVersion version, bool pinned);
  absl::StatusOr<Published> RollbackNow(model::SnapshotVersion version);
  absl::StatusOr<model::SnapshotVersion> EraseNow(
      const std::vector<model::UserIndex>& users,
      const std::vector<model::ItemIndex>& items,
      const model::ItemLists& histories);
  // Serves `snapshot`, which was made of the serving one by an erasure, or
  // nothing, if nothing is left in it to recommend from.
  absl::Status ServeErased(std::unique_ptr<model::Snapshot> snapshot);
  absl::Status Pin(model::SnapshotVersion version);
  absl::Status Save(const model::Snapshot& snapshot);
  void FreeRetired();
  // Waits until there are fewer than kMaxLive models in memory, or Stop.
  void AwaitRoom();

  // A move of the lifecycle, under the mutex.
  template <typename Change>
  auto Move(const Change& change) {
    absl::MutexLock lock(&mutex_);
    return change(&lifecycle_);
  }
  void Abandon() {
    absl::MutexLock lock(&mutex_);
    lifecycle_.Abandon();
  }

  // Constant after construction.
  const Options options_;
  const model::State* const state_;
  ServingSlot* const slot_;
  const std::function<void(SwapKind)> on_swap_;

  std::thread thread_;  // touched by Start and Stop

  // The publisher thread's own (Restore's before Start, Stop's after join),
  // but for what SnapshotShelf lets any thread call.
  SnapshotRecords records_;  // internally synchronised
  DecisionLog decisions_;    // internally synchronised
  SnapshotShelf shelf_;
  // Which version's contents are on disk: after an erasure the file has the
  // number of the version before it.
  model::SnapshotVersion saved_version_ = 0;
  // The version that the last erasure made; 0: none. Those before it, where
  // they are still in memory, have what it took out.
  model::SnapshotVersion erased_through_ = 0;
  // Of the users of erasures since a snapshot was offered that is younger: one
  // that was made before has their histories in its lists.
  model::ItemLists erased_histories_;
  int64_t erased_ms_ = 0;
  index::IndexBuilder builder_;
  HitHistory hits_;
  absl::Time last_save_ = absl::InfinitePast();        // steady
  absl::Time last_taken_back_ = absl::InfinitePast();  // steady
  RetiredModels retired_;

  // Internally synchronised.
  PublisherInbox inbox_;

  mutable absl::Mutex mutex_;
  VersionLifecycle lifecycle_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_PUBLISHER_H_
