#ifndef TAUD_SERVER_LIFECYCLE_UPKEEP_H_
#define TAUD_SERVER_LIFECYCLE_UPKEEP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/answer_once.h"
#include "model/state.h"
#include "model/steady_clock.h"
#include "model/training_state.h"
#include "server/lifecycle/publisher.h"
#include "server/observe/problems.h"
#include "store/files/backup.h"
#include "store/files/disk_usage.h"
#include "store/log/event_store.h"
#include "trainer/online/online_trainer.h"

namespace taud::server {

// What has to be done to the data beside serving: writes checkpoints, removes
// every copy of what was erased, keeps the log within its bounds, makes
// backups, brings the store back after a write that failed, and looks how full
// the disk is. One after the other, so that no checkpoint of before an erasure
// is written after it and no backup sees half of either.
//
// Thread-safe. Owns one thread. What is interrupted is done at the next start:
// erasures are known by their receipts, which say what is still there.
class Upkeep {
 public:
  struct Options {
    std::string data_dir;
    size_t keep_checkpoints = 2;
    uint64_t min_free_bytes = 0;
    store::EventStore::Retention retention;
    absl::Duration retention_interval = absl::Seconds(60);
    // How often the store is asked whether it takes interactions, and `watched`
    // is called behind that; null: nobody asks.
    absl::Duration watch_interval = absl::Seconds(5);
    std::function<void()> watched;
    // How often the sizes of what is in data_dir are looked at, with that.
    absl::Duration stock_interval = absl::Seconds(30);
  };

  // All outlive it.
  Upkeep(const Options& options, model::State* state, store::EventStore* store,
         Publisher* publisher, trainer::OnlineTrainer* trainer);
  ~Upkeep();

  // The newest checkpoint that training can go on from, given to the trainer.
  // Damaged ones, and those of another dimension, are logged and passed over.
  // DATA_LOSS as Publisher::Restore. REQUIRES: the log is read, the trainer
  // was not started. True if there was one.
  absl::StatusOr<bool> ResumeTraining();

  // REQUIRES: the trainer was started, or will be at once.
  void Start();

  // Takes a checkpoint to write; if they come faster than they can be written,
  // the newest wins. Returns at once.
  void OfferCheckpoint(std::unique_ptr<model::TrainingState> state);
  // There is a new erasure.
  void Notify();
  // `done` is called on the upkeep's thread. RESOURCE_EXHAUSTED while another
  // backup is made, UNAVAILABLE while stopping; then it is not called.
  using BackupDone = std::function<void(absl::StatusOr<store::BackupManifest>)>;
  absl::Status Backup(const std::string& directory, BackupDone done);

  // A backup that is being made ends soon, and its caller gets UNAVAILABLE; so
  // does every later one. Any thread.
  void CallOffBackup();

  // Finishes what it is at, but for a backup; writes `last` if it is not null,
  // joins the thread.
  // Idempotent.
  void Stop(std::unique_ptr<model::TrainingState> last);

  struct Stats {
    uint64_t checkpoint = 0;  // number of the newest, 0: none
    model::Sequence absorbed_through = 0;
    int64_t checkpoint_ms = 0;
    uint64_t checkpoint_errors = 0;
    uint64_t pending_erasures = 0;
    std::string resumed_from = "log";
    // What does not work now, and why.
    Trouble checkpoints;
    Trouble erasure;
    Trouble snapshots;
    // Zeros until it was looked at.
    store::DiskSpace space;
    uint64_t log_bytes = 0;
    uint64_t snapshot_bytes = 0;
    uint64_t checkpoint_bytes = 0;
  };
  Stats stats() const;
  void SetResumedFrom(const std::string& what);

 private:
  struct BackupRequest {
    std::string directory;
    model::AnswerOnce<absl::StatusOr<store::BackupManifest>> done;
  };

  // What came up since the last turn.
  struct Turn {
    std::unique_ptr<model::TrainingState> checkpoint;
    std::unique_ptr<BackupRequest> backup;
    bool notified = false;
  };

  bool trims() const {
    return options_.retention.max_age_ms > 0 ||
           options_.retention.max_bytes > 0;
  }
  void Run();
  // Waits; false: it is stopping.
  bool AwaitTurn(Turn* turn);
  void DoTurn(Turn* turn);
  // Looks at what nobody tells.
  void Watch();
  void TakeStock();
  void EraseOrRetry(bool notified);
  void Save(const model::TrainingState& state);
  absl::Status SaveNow(const model::TrainingState& state);
  absl::Status EraseAll();
  absl::Status EraseCopies(std::vector<store::Erasure>* pending);
  // Memory and trainer forget those that they have not yet, and
  // after_forgetting_ follows.
  absl::Status ForgetInMemory(const std::vector<store::Erasure>& pending);
  absl::StatusOr<std::unique_ptr<model::TrainingState>> ForgetInTraining(
      const std::vector<uint32_t>& users, const std::vector<uint32_t>& items);
  // Every checkpoint of before an erasure is replaced by the state after it.
  absl::Status ReplaceCheckpoints();
  void Trim();
  // Takes what was retracted out of the log, once every checkpoint has read it.
  void PurgeRetracted();
  // Interactions through here are in every checkpoint that is kept.
  absl::StatusOr<model::Sequence> NeededAfter() const;
  absl::StatusOr<store::BackupManifest> MakeBackup(
      const std::string& directory);
  // Snapshots, checkpoints and log into `incomplete`, which then gets its name.
  absl::StatusOr<store::BackupManifest> FillBackup(
      const std::string& directory, const std::string& incomplete);

  // Constant after construction.
  const Options options_;
  const std::string checkpoints_;
  model::State* const state_;
  store::EventStore* const store_;
  Publisher* const publisher_;
  trainer::OnlineTrainer* const trainer_;

  std::thread thread_;  // touched by Start and Stop

  // The upkeep thread's. What memory and trainer have forgotten in this
  // process, by receipt, and the state of training after it: an erasure that
  // failed on the disk is taken up there, and not begun again.
  absl::flat_hash_set<std::string> forgotten_;
  model::ItemLists histories_;  // of the users among them
  std::unique_ptr<model::TrainingState> after_forgetting_;

  // Of retractions through here nothing is left in the log.
  model::Sequence purged_through_ = 0;
  SaveWatch save_watch_;
  absl::Time stock_due_ = absl::InfinitePast();  // steady, as those below
  absl::Time retention_due_ = absl::InfiniteFuture();
  absl::Time watch_due_ = absl::InfiniteFuture();
  // When an erasure that failed is tried again, and how long that was put off;
  // 0: the last one did not fail.
  absl::Time erase_due_ = absl::InfinitePast();
  absl::Duration erase_wait_;

  // A backup that is being made is called off.
  std::atomic<bool> call_off_{false};

  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;  // the upkeep thread's
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  bool backing_up_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<model::TrainingState> offered_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<BackupRequest> backup_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_UPKEEP_H_
