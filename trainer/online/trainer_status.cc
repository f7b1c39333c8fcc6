#include "trainer/online/trainer_status.h"

#include <algorithm>

namespace taud::trainer {

const char* TrainerStateName(TrainerState state) {
  switch (state) {
    case TrainerState::kStopped:
      return "stopped";
    case TrainerState::kWaiting:
      return "waiting";
    case TrainerState::kTraining:
      return "training";
    case TrainerState::kIdle:
      return "idle";
    case TrainerState::kPaused:
      return "paused";
    case TrainerState::kFailed:
      return "failed";
  }
  return "unknown";
}

void SetQuantiles(std::vector<float> temperatures, TrainerStatus* status) {
  temperatures.erase(
      std::remove(temperatures.begin(), temperatures.end(), 0.0f),
      temperatures.end());
  if (temperatures.empty()) return;
  std::sort(temperatures.begin(), temperatures.end());
  const auto at = [&](double share) {
    const double last = static_cast<double>(temperatures.size() - 1);
    return double{temperatures[static_cast<size_t>(share * last + 0.5)]};
  };
  status->tau_user_p10 = at(0.1);
  status->tau_user_p50 = at(0.5);
  status->tau_user_p90 = at(0.9);
}

}  // namespace taud::trainer
