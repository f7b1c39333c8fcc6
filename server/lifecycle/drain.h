#ifndef TAUD_SERVER_LIFECYCLE_DRAIN_H_
#define TAUD_SERVER_LIFECYCLE_DRAIN_H_

#include <functional>
#include <optional>

#include "absl/time/time.h"
#include "model/types.h"

namespace taud::server {

// How a daemon stops: in which order, by when, and whether it publishes once
// more. The parts are the caller's; plain functions, one thread's.

// What is done, in this order; null: there is no such part, because the start
// failed before it was made. Calls end before what answers them, learning
// before what takes what was learnt, and the log last.
struct DrainSteps {
  using Step = std::function<void()>;
  using TimedStep = std::function<void(absl::Time deadline)>;
  Step say_not_serving;
  Step call_off_backup;
  Step end_streams;        // acknowledge what they sent, then end
  TimedStep finish_calls;  // and take no new ones
  Step stop_watching;      // quality
  TimedStep publish_last;
  Step stop_pages;
  Step stop_learning;
  Step save_training;
  Step stop_publishing;  // saves what serves
  Step stop_searching;
  Step close_log;
};

// Each is done whatever the ones before have thrown: what throws is logged.
void RunDrain(const DrainSteps& steps, absl::Time deadline);

// What the last snapshot would be, beside the one that serves.
struct LastSnapshot {
  bool pinned = false;                     // a version was rolled back to
  std::optional<model::Sequence> serving;  // has learnt through here
  model::Sequence trained = 0;             // and the trainer
};
// Whether it is to be published: it would end a roll-back, and one that is
// behind what serves would be waited for in vain.
bool WantsLastSnapshot(const LastSnapshot& last);

// Until when it is waited for: a second at least, because calls may have used
// up all of the time.
absl::Time WaitForLastUntil(absl::Time deadline, absl::Time now);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_DRAIN_H_
