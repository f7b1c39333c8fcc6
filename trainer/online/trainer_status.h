#ifndef TAUD_TRAINER_ONLINE_TRAINER_STATUS_H_
#define TAUD_TRAINER_ONLINE_TRAINER_STATUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/types.h"

namespace taud::trainer {

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
  int64_t state_since_ms = 0;  // Unix milliseconds
  std::string device;          // "cpu" or "cuda:0"
  std::string error;           // why kFailed
  uint64_t steps = 0;
  double epochs = 0;  // positives learnt ÷ distinct pairs, summed
  model::Sequence trained_through = 0;
  uint64_t backlog = 0;  // interactions not yet learnt from once
  uint64_t pairs = 0;    // distinct positive (user, item) pairs
  double positives_per_second = 0;
  double loss = 0;           // decayed mean SSM loss
  double gradient_norm = 0;  // likewise, MfStepResult's; 0 on a GPU
  double tau0 = 0;
  double tau0_factor = 1;  // of Eq. 14's, temperature/held_temperature.h
  double rho = 1;          // weight of the negatives, bilateral_weight.h
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

// Sets the quantiles from the temperatures of users, 0 for those without one;
// leaves them as they are if there is none. Pure.
void SetQuantiles(std::vector<float> temperatures, TrainerStatus* status);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_TRAINER_STATUS_H_
