#ifndef TAUD_TRAINER_ONLINE_TRAINER_OPTIONS_H_
#define TAUD_TRAINER_ONLINE_TRAINER_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/steady_clock.h"

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
  int neighbours = 128;  // of an item, at most, 0 … 1000; 0: none
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

// INVALID_ARGUMENT naming the option, its value and what is allowed. The device
// is looked at by LearnerPlace.
absl::Status ValidateOptions(const OnlineTrainerOptions& options);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_TRAINER_OPTIONS_H_
