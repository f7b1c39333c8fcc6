#ifndef TAUD_SERVER_OBSERVE_LOG_SAMPLER_H_
#define TAUD_SERVER_OBSERVE_LOG_SAMPLER_H_

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace taud::server {

// Keeps lines that may be many within a rate, and counts those left out, so
// that the next one can say how many. Thread-safe.
class LogSampler {
 public:
  // `burst` lines at once, and `per_second` for ever.
  LogSampler(double per_second, double burst)
      : per_second_(per_second), burst_(burst), room_(burst) {}

  // Whether a line may be written now, on a clock that never goes back; and
  // how many were left out since the last that was. nullopt: it is left out.
  std::optional<uint64_t> Take(absl::Time now);

  // Those left out of which no line has told yet; they are told now.
  uint64_t TakeLeftOut();

 private:
  const double per_second_;
  const double burst_;

  absl::Mutex mutex_;
  double room_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_LOG_SAMPLER_H_
