#ifndef TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_
#define TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/training_state.h"
#include "trainer/online/trainer_inbox.h"
#include "trainer/online/trainer_options.h"
#include "trainer/online/trainer_status.h"

// No LibTorch header is included here: the server includes this file.

namespace taud::trainer {

class LearningLoop;

// Learns from model::Interactions for ever, on one background thread that it
// owns (plus its CPU worker threads): mixes new interactions with replay of
// old ones, keeps rows on the unit sphere, adapts τ₀ (Adap-τ Eq. 14) and τ_u
// (Eq. 16), and hands out a Snapshot every publish interval in which
// something changed, when the fit has settled, or when asked.
//
//   kStopped ──Start──▶ kWaiting ─▶ kTraining ⇄ kIdle ──Stop──▶ kStopped
//                          ⇅ Pause/Resume: kPaused      error ▶ kFailed
//
// The fit has settled when every pair has been learnt from some thirty times,
// on average; new pairs bring it out of rest for as long as they are many, and
// settled rows that got some are then made a little younger and learn on, for
// twice as long again (RowRenewal). A new user or item begins at the mean of
// what it interacted with, and is learnt at a high rate while the settled rows
// around it hardly move. One
// user or item has a bounded share of every step, whatever it sends.
//
// Thread-safe. Start, Stop and WarmStart are the owner's, one at a time; they
// and the destructor must not be called from `Publish`. Start after Stop goes
// on with what was learnt; after kFailed it begins again from the log.
class OnlineTrainer {
 public:
  // Called on the trainer thread with a snapshot that is the receiver's from
  // then on. The version is 0: the receiver numbers it. While it runs, nothing
  // is learnt. What it throws ends in kFailed.
  using Publish = std::function<void(std::unique_ptr<model::Snapshot>)>;

  // Called on the trainer thread with everything there is to know, which is
  // the receiver's from then on. While it runs, nothing is learnt.
  using Checkpoint = std::function<void(std::unique_ptr<model::TrainingState>)>;

  // `interactions` must outlive the trainer. INVALID_ARGUMENT names the
  // option; UNAVAILABLE if device is cuda and there is none.
  static absl::StatusOr<std::unique_ptr<OnlineTrainer>> Create(
      const OnlineTrainerOptions& options,
      const model::Interactions* interactions, Publish publish);

  // Stops if that was not done.
  ~OnlineTrainer();

  // Takes rows, temperatures and τ₀ of an earlier snapshot as the starting
  // point, instead of random ones. Everything in it counts as learnt through
  // its trained_through. The snapshot is copied. REQUIRES: before the
  // first Start; later it has no effect. INVALID_ARGUMENT if the dimension
  // differs; DATA_LOSS if ValidateSnapshot refuses it.
  absl::Status WarmStart(const model::Snapshot& snapshot);

  // Goes on from a checkpoint instead, as if training had never stopped.
  // INVALID_ARGUMENT or DATA_LOSS if it cannot be: see CheckTrainingState; the
  // dictionaries have that many ids. REQUIRES: before the first Start.
  absl::Status Resume(std::unique_ptr<model::TrainingState> state,
                      uint64_t num_users, uint64_t num_items);
  // REQUIRES: before Start.
  void SetCheckpoint(Checkpoint checkpoint);

  void Start();
  // Ends the thread after the step in progress, and after a publication that
  // was promised, and joins it. Idempotent.
  void Stop();

  // Wakes an idle trainer: interactions were appended. Cheap; any thread.
  void Notify();
  void Pause();
  void Resume();

  // Asks for a snapshot of the state after the step in progress, changed or
  // not. UNAVAILABLE if there is nothing to publish yet or the trainer is
  // stopped; otherwise `Publish` will be called. Returns at once.
  absl::Status RequestPublish();

  // Forgets all about the users and items. `done` is called once, on the
  // trainer thread, with the state after it, null if there is none to keep; an
  // error says that nobody knows. UNAVAILABLE, and `done` is not called, if
  // the trainer does not run; it then holds nothing of them, for it begins
  // again from what it is given. REQUIRES: the interactions do not have them
  // any more.
  using Forgotten = std::function<void(
      absl::StatusOr<std::unique_ptr<model::TrainingState>>)>;
  absl::Status Forget(std::vector<uint32_t> users, std::vector<uint32_t> items,
                      Forgotten done);
  // The state as Stop left it; null if there is none. REQUIRES: stopped.
  std::unique_ptr<model::TrainingState> StateWhenStopped() const;

  TrainerStatus status() const;

 private:
  OnlineTrainer();
  absl::Status NotRunning() const;  // UNAVAILABLE, and why

  TrainerInbox inbox_;  // internally synchronised
  std::unique_ptr<LearningLoop> loop_;
  std::thread thread_;  // touched by Start and Stop
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_
