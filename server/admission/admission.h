#ifndef TAUD_SERVER_ADMISSION_ADMISSION_H_
#define TAUD_SERVER_ADMISSION_ADMISSION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/rpc/token_bucket.h"

namespace taud::server {

// How much each client may ask for: a token bucket a client, filled at the
// rate and holding one second of it. Thread-safe. At most kMaxClients are
// remembered; those that have been idle for long enough to be full again are
// forgotten first.
class ClientRates {
 public:
  static constexpr size_t kMaxClients = 65536;

  // `per_second` of 0: no limit.
  explicit ClientRates(double per_second) : per_second_(per_second) {}

  bool unlimited() const { return per_second_ <= 0; }

  // Takes `cost` from the client's bucket, or RESOURCE_EXHAUSTED with a
  // RetryInfo that says when there will be enough. A cost beyond a second's
  // worth passes when the bucket is full.
  absl::Status Admit(absl::string_view client, double cost, absl::Time now);

 private:
  void ForgetIdle(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double per_second_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, TokenBucket> buckets_
      ABSL_GUARDED_BY(mutex_);
};

// The address of gRPC's peer without the port: "ipv4:10.0.0.1:4711" is
// "ipv4:10.0.0.1".
absl::string_view ClientOf(absl::string_view peer);

// Memory that requests under way may need together. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t bytes) : bytes_(bytes) {}

  // False, and nothing taken, if it would be too much. A single request always
  // fits when nothing else is under way.
  bool Take(size_t bytes);
  void Give(size_t bytes) { used_.fetch_sub(bytes); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t bytes_;
  std::atomic<size_t> used_{0};
};

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_ADMISSION_H_
