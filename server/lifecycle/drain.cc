#include "server/lifecycle/drain.h"

#include <algorithm>
#include <exception>

#include "server/observe/logging.h"

namespace taud::server {
namespace {

template <typename Work>
void Guarded(const char* name, const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "a part of the drain failed; it goes on",
        {{"part", name}, {"error", error.what()}});
  }
}

void Run(const char* name, const DrainSteps::Step& step) {
  if (step) Guarded(name, step);
}

void RunTimed(const char* name, const DrainSteps::TimedStep& step,
              absl::Time deadline) {
  if (step) Guarded(name, [&] { step(deadline); });
}

}  // namespace

void RunDrain(const DrainSteps& steps, absl::Time deadline) {
  Run("health", steps.say_not_serving);
  Run("backup", steps.call_off_backup);
  Run("streams", steps.end_streams);
  RunTimed("calls", steps.finish_calls, deadline);
  Run("quality", steps.stop_watching);
  RunTimed("last snapshot", steps.publish_last, deadline);
  Run("pages", steps.stop_pages);
  Run("trainer", steps.stop_learning);
  Run("checkpoint", steps.save_training);
  Run("publisher", steps.stop_publishing);
  Run("searchers", steps.stop_searching);
  Run("log", steps.close_log);
}

bool WantsLastSnapshot(const LastSnapshot& last) {
  if (last.pinned) return false;
  return !last.serving.has_value() || last.trained >= *last.serving;
}

absl::Time WaitForLastUntil(absl::Time deadline, absl::Time now) {
  return std::max(deadline, now + absl::Seconds(1));
}

}  // namespace taud::server
