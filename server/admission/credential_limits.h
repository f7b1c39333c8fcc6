#ifndef TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_
#define TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth/credentials.h"
#include "server/rpc/token_bucket.h"

namespace taud::server {

// What a call takes of its caller's limits.
struct Cost {
  double requests = 0;
  double interactions = 0;
  double bytes = 0;
};

// A place among a credential's open streams; given back when it goes.
using StreamPlace = std::shared_ptr<const void>;

// What each credential takes, against its limits: a bucket for each limit,
// filled at its rate and holding one second of it. Keeps an entry for each of
// kMaxCredentials; those whose buckets are full again, so that nothing is
// forgiven, and that have no stream open are forgotten first. Thread-safe.
class CredentialLimits {
 public:
  static constexpr size_t kMaxCredentials = 65536;

  // Takes all of the cost, or nothing: RESOURCE_EXHAUSTED, naming the limit and
  // the credential, with a RetryInfo. A cost beyond a second's worth passes
  // when the bucket is full.
  absl::Status Charge(const std::string& key, const std::string& name,
                      const auth::Limits& limits, const Cost& cost,
                      absl::Time now);

  // RESOURCE_EXHAUSTED if so many are open.
  absl::StatusOr<StreamPlace> OpenStream(const std::string& key,
                                         const std::string& name,
                                         const auth::Limits& limits,
                                         absl::Time now);

 private:
  struct Use {
    TokenBucket requests;
    TokenBucket interactions;
    TokenBucket bytes;
    int64_t streams = 0;
    absl::Time full = absl::InfinitePast();  // when all buckets will be
  };
  // RESOURCE_EXHAUSTED if it would be one too many.
  absl::StatusOr<Use*> UseOf(const std::string& key, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetIdle(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Use> uses_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_
