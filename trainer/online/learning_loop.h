#ifndef TAUD_TRAINER_ONLINE_LEARNING_LOOP_H_
#define TAUD_TRAINER_ONLINE_LEARNING_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/training_state.h"
#include "trainer/online/learner_place.h"
#include "trainer/online/online_fit.h"
#include "trainer/online/trainer_inbox.h"
#include "trainer/online/trainer_options.h"
#include "trainer/online/trainer_status.h"

namespace taud::trainer {

// The duty of the trainer's thread, from its start to its end: carries out what
// is in the inbox, absorbs, makes steps, rests, hands out snapshots and
// checkpoints when they are due, and goes to the CPU and back if a GPU fails.
//
// Run is one thread's, and everything else the owner's while Run does not run;
// status() is any thread's. Owns the fit and the learner's place.
class LearningLoop {
 public:
  // As OnlineTrainer's.
  using Publish = std::function<void(std::unique_ptr<model::Snapshot>)>;
  using Checkpoint = std::function<void(std::unique_ptr<model::TrainingState>)>;

  // `interactions` and `inbox` outlive it.
  LearningLoop(const OnlineTrainerOptions& options,
               std::unique_ptr<LearnerPlace> place,
               const model::Interactions* interactions, Publish publish,
               TrainerInbox* inbox);

  // As OnlineTrainer's.
  absl::Status WarmStart(const model::Snapshot& snapshot);
  absl::Status Resume(std::unique_ptr<model::TrainingState> state,
                      uint64_t num_users, uint64_t num_items);
  void SetCheckpoint(Checkpoint checkpoint) {
    checkpoint_ = std::move(checkpoint);
  }
  std::unique_ptr<model::TrainingState> StateWhenStopped() const;

  // Before each Run. After a failure it begins again from the log.
  void Prepare();
  // Until the inbox says stop, or something went wrong that it cannot go on
  // from; the state is then kStopped or kFailed. Throws nothing: it is the
  // edge of the thread. REQUIRES: the inbox is open.
  void Run();

  TrainerStatus status() const;

 private:
  enum class Next { kGoOn, kEnd };

  void MakeFit();
  // Starts again on the CPU from the last snapshot.
  void LeaveGpu(const std::string& error);
  // At a snapshot, when its time has come.
  void RetryGpu();
  void Learn();
  // One turn of the loop: some learning, or a rest. False if it failed.
  bool LearnSome();
  bool LearnBlock();
  bool Step();
  void CheckpointIfDue();
  std::unique_ptr<model::TrainingState> ExportState() const;
  Next ObeyCommands();
  void Rest(TrainerState state);
  void CarryOut(TrainerInbox::Forgetting* forgetting);
  void PublishNow();
  void PublishIfDue();
  void ReportStep();
  void FillFigures() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fail(const std::string& why);
  void SetState(TrainerState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const OnlineTrainerOptions options_;
  const model::Interactions* const interactions_;
  const Publish publish_;
  TrainerInbox* const inbox_;

  // The trainer thread's; the owner's while it does not run.
  const std::unique_ptr<LearnerPlace> place_;  // outlives the fit
  // On a GPU: what was last handed out, to go on from if the GPU fails.
  std::unique_ptr<model::Snapshot> last_snapshot_;
  Checkpoint checkpoint_;  // set before the first start; may be null
  std::unique_ptr<model::Snapshot> warm_;  // until the fit has taken it over
  std::unique_ptr<model::TrainingState> resume_;  // the same
  std::unique_ptr<OnlineFit> fit_;
  std::deque<TrainerInbox::Forgetting> forgetting_now_;  // taken, in order
  bool published_untrained_ = false;
  bool changed_ = false;  // since the last publish
  // The last snapshot does not say how far there is nothing left to learn.
  bool advanced_ = false;
  bool changed_since_checkpoint_ = false;
  absl::Time last_checkpoint_;
  absl::Time last_publish_;
  bool published_ = false;  // since the start
  absl::Time rate_since_;
  uint64_t rate_from_ = 0;  // positives learnt at rate_since_

  mutable absl::Mutex mutex_;
  // Interactions read, and those read but not yet learnt from.
  size_t absorbed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t unvisited_ ABSL_GUARDED_BY(mutex_) = 0;
  TrainerStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_LEARNING_LOOP_H_
