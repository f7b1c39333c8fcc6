#ifndef TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_
#define TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/steady_clock.h"
#include "model/training_state.h"

// No LibTorch header is included here: the server includes this file.

namespace taud::trainer {

class MfLearner;

// Nothing here needs to be set for a data set: temperatures, the number of
// passes and the course of the learning rate follow from the data.
struct OnlineTrainerOptions {
  int dim = 64;  // width of a row, 1 … 1024
  // auto (a GPU where there is one), cpu, cuda, cuda:N.
  std::string device = "auto";
  int threads = 1;        // CPU threads of the trainer, itself included
  int nice = 10;          // priority of these threads (0 … 19)
  int batch_rows = 2048;  // positives a step, at most: small data gets
                          // narrower steps, 256 to a pass
  int negatives = 1024;   // shared negatives a step
  // The greatest, of a row that is new; 0: RateForDensity.
  double learning_rate = 0;
  absl::Duration publish_interval = absl::Seconds(5);
  uint64_t seed = 1;
  // How often the whole state is handed out, if something changed.
  absl::Duration checkpoint_interval = absl::InfiniteDuration();
  // The model becomes a function of the log alone: interactions are taken in
  // blocks of 256, each followed by steps whose number depends on the data
  // alone, whenever they come. What does not fill a block waits. Same sums with
  // the same `threads`.
  bool deterministic = false;
  // By which intervals are measured; tests bring their own.
  std::function<absl::Time()> steady_now = model::SteadyNow;
  // Called on the trainer thread when a GPU failed, with what it said. May be
  // null.
  std::function<void(const std::string& error)> on_gpu_error;
  // Makes what learns on the GPU; null: MakeCudaMf. Tests pass one that fails.
  std::function<absl::StatusOr<std::unique_ptr<MfLearner>>(int dim)>
      make_gpu_learner;
};

enum class TrainerState {
  kStopped,  // not started, or Stop returned
  kWaiting,  // too few interactions to learn from (8 pairs, 2 items)
  kTraining,
  kIdle,  // nothing new and the fit has settled
  kPaused,
  kFailed,  // an error ended learning; serving goes on
};

const char* TrainerStateName(TrainerState state);

// A consistent copy of the trainer's figures.
struct TrainerStatus {
  TrainerState state = TrainerState::kStopped;
  std::string device;  // "cpu" or "cuda:0"
  std::string error;   // why kFailed
  uint64_t steps = 0;
  double epochs = 0;  // positives learnt ÷ distinct pairs, summed
  model::Sequence trained_through = 0;
  uint64_t backlog = 0;  // interactions not yet learnt from once
  uint64_t pairs = 0;    // distinct positive (user, item) pairs
  double positives_per_second = 0;
  double loss = 0;  // decayed mean SSM loss
  double tau0 = 0;
  double rho = 1;  // weight of the negatives, bilateral_weight.h
  // Quantiles over trained users, as last published.
  double tau_user_p10 = 0, tau_user_p50 = 0, tau_user_p90 = 0;
  bool warming_up = true;  // τ_u still equals τ₀
  uint64_t publishes = 0;
  // Row updates undone because they were not finite; learning went on.
  uint64_t contained = 0;
  // How often a GPU failed since the start, and what it said last. Learning
  // goes on on the CPU from the last snapshot, and at a later one it is tried
  // again on the GPU.
  uint64_t gpu_errors = 0;
  std::string last_gpu_error;
};

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

  // Forgets all about the users and items. `done` is called on the trainer
  // thread with the state after it, null if there is none yet. UNAVAILABLE if
  // the trainer does not run; it then holds nothing of them, for it begins
  // again from what it is given. REQUIRES: the interactions do not have them
  // any more.
  absl::Status Forget(std::vector<uint32_t> users, std::vector<uint32_t> items,
                      Checkpoint done);
  // The state as Stop left it; null if there is none. REQUIRES: stopped.
  std::unique_ptr<model::TrainingState> StateWhenStopped() const;

  TrainerStatus status() const;

 private:
  class Impl;
  explicit OnlineTrainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_ONLINE_TRAINER_H_
