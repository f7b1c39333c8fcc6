#ifndef TAUD_SERVER_OBSERVE_FRESHNESS_H_
#define TAUD_SERVER_OBSERVE_FRESHNESS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "prometheus/histogram.h"

namespace taud::server {

// How long it takes from the acknowledgement of an interaction until something
// has reached it: a snapshot has learnt it, or one that serves. Remembers when
// which sequence was acknowledged, in bounded memory: with too many times to
// remember, neighbours are put together under the earlier one, so that nothing
// looks fresher than it is.
//
// Thread-safe. Times are of a clock that never goes back.
class Freshness {
 public:
  // `seconds`, of these bounds, gets an observation for each interaction, and
  // outlives this.
  Freshness(prometheus::Histogram* seconds,
            prometheus::Histogram::BucketBoundaries bounds)
      : seconds_(seconds), bounds_(std::move(bounds)) {}

  // So many interactions, the last of this sequence.
  void Acknowledged(uint64_t interactions, uint64_t last_sequence,
                    absl::Time now);
  // All through this sequence are reached.
  void Reached(uint64_t through, absl::Time now);

  static constexpr size_t kMaxMarks = 4096;

 private:
  struct Mark {
    uint64_t last_sequence = 0;
    uint64_t interactions = 0;
    absl::Time at;
  };
  void Observe(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Thin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  prometheus::Histogram* const seconds_;
  const prometheus::Histogram::BucketBoundaries bounds_;

  absl::Mutex mutex_;
  std::deque<Mark> marks_ ABSL_GUARDED_BY(mutex_);
  uint64_t reached_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_FRESHNESS_H_
