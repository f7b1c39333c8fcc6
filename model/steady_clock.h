#ifndef TAUD_MODEL_STEADY_CLOCK_H_
#define TAUD_MODEL_STEADY_CLOCK_H_

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace taud::model {

// The time by a clock that nobody sets, for intervals: what is due, and how
// long something took. Only differences mean anything, and only within the
// process. The wall clock (absl::Now) is for what people and clients are told.
// Any thread.
absl::Time SteadyNow();

// Waits by that clock. absl::Mutex waits by the wall clock: set back by a day
// meanwhile, a wait of a second takes a day and a second.
//
// One thread at a time waits; it is a member of whoever owns the mutex, behind
// the mutex. Owns a thread, started by the first wait that has an end, which
// has the conditions of the mutex looked at when the time has come.
class SteadyAlarm {
 public:
  SteadyAlarm() = default;
  ~SteadyAlarm();
  SteadyAlarm(const SteadyAlarm&) = delete;
  SteadyAlarm& operator=(const SteadyAlarm&) = delete;

  // Releases *mutex until `ready` holds or SteadyNow() reaches `until`. Returns
  // whether `ready` holds.
  bool Await(absl::Mutex* mutex, const absl::Condition& ready, absl::Time until)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  void Set(absl::Mutex* mutex, absl::Time until);
  void Run();

  // The standard library's, for they can wait by the steady clock.
  std::mutex own_;
  std::condition_variable changed_;
  absl::Mutex* mutex_ = nullptr;               // guarded by own_
  absl::Time until_ = absl::InfiniteFuture();  // guarded by own_
  bool stopping_ = false;                      // guarded by own_
  std::thread thread_;                         // guarded by own_
};

}  // namespace taud::model

#endif  // TAUD_MODEL_STEADY_CLOCK_H_
