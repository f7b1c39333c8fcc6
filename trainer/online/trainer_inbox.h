#ifndef TAUD_TRAINER_ONLINE_TRAINER_INBOX_H_
#define TAUD_TRAINER_ONLINE_TRAINER_INBOX_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/answer_once.h"
#include "model/steady_clock.h"
#include "model/training_state.h"

namespace taud::trainer {

// What others ask of the trainer's thread, until the thread takes it:
//
//   closed ──Open──▶ open ──AskToStop, CloseIfEmpty──▶ closed
//                         ──Close (learning has failed)──▶ closed
//
// What was taken in while it was open is carried out: it does not close by
// itself while something waits. A pause outlives closing and opening.
//
// Thread-safe. Open is the owner's; Take, CloseIfEmpty, Close and Await are
// the trainer's thread's.
class TrainerInbox {
 public:
  // Users and items to forget. `done` gets the state after it, null if there is
  // none to keep.
  struct Forgetting {
    std::vector<uint32_t> users, items;
    model::AnswerOnce<absl::StatusOr<std::unique_ptr<model::TrainingState>>>
        done;
  };
  enum class Asked { kTaken, kNotRunning, kNothingLearnt };

  bool is_open() const;
  // REQUIRES: closed.
  void Open();
  void AskToStop();
  // There are new interactions.
  void Notify();
  void SetPaused(bool paused);
  Asked RequestPublish();
  // What was not taken is as it was.
  Asked Forget(Forgetting* forgetting);

  // Whether there is something that could be published.
  void SetHasModel(bool has_model);

  struct Orders {
    std::vector<Forgetting> forgettings;  // before anything else
    bool publish = false;
    bool stop = false;
    bool paused = false;
  };
  Orders Take();
  // False, and still open, if something came since it was taken.
  bool CloseIfEmpty();
  // What is left in it.
  std::vector<Forgetting> Close();
  // Until something is there, the pause began or ended, or until the time by
  // model::SteadyNow.
  void Await(absl::Time until);

 private:
  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;  // the trainer thread's
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  bool publish_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_model_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Forgetting> forgettings_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_TRAINER_INBOX_H_
