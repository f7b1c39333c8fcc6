#ifndef TAUD_SERVER_API_LATENCY_COUNTS_H_
#define TAUD_SERVER_API_LATENCY_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace taud::server {

// How long calls took: a histogram of fixed size whose bounds grow by a
// quarter, from 10 µs to half a minute. What happened between two moments is
// the difference of their copies. Thread-safe without a lock: Add is one
// addition.
class LatencyCounts {
 public:
  static constexpr size_t kBuckets = 68;
  using Counts = std::array<uint64_t, kBuckets>;

  void Add(absl::Duration latency) {
    counts_[BucketOf(absl::ToDoubleSeconds(latency))].fetch_add(
        1, std::memory_order_relaxed);
  }
  Counts Copy() const;

  // Upper bound of a bucket, seconds; the last one has none and says its lower.
  static double Bound(size_t bucket);
  static size_t BucketOf(double seconds);

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
};

// The bound of the bucket that the quantile of `after` less `before` is in,
// seconds; NaN if there is nothing.
double LatencyQuantile(const LatencyCounts::Counts& before,
                       const LatencyCounts::Counts& after, double quantile);

// What calls of the kinds that people wait for have come to, since the start.
struct CallFigures {
  LatencyCounts answers;  // recommendations and similar items, errors included
  std::atomic<uint64_t> failed_answers{0};
  LatencyCounts acks;  // from an interaction's arrival to its acknowledgement
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_LATENCY_COUNTS_H_
