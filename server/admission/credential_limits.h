#ifndef TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_
#define TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_

#include <array>
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
#include "absl/types/span.h"
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

// Somebody whose limits a call counts against: a credential, or all who call
// with a role.
struct Limited {
  std::string key;
  std::string who;  // for errors: "shop", "the role ingest"
  std::string
      whose;  // the limits are: "its credential", "all who call with it"
  auth::Limits limits;
};

// What each credential, and each role, takes, against its limits: a bucket for
// each limit, filled at its rate and holding one second of it. Keeps an entry
// for each of kMaxCredentials; those whose buckets are full again, so that
// nothing is forgiven, and that have no stream open are forgotten first.
// Thread-safe.
class CredentialLimits {
 public:
  static constexpr size_t kMaxCredentials = 65536;

  // Takes all of the cost of each of `all`, or nothing of any:
  // RESOURCE_EXHAUSTED, naming the limit and whose it is, with a RetryInfo. A
  // cost beyond a second's worth passes when the bucket is full.
  absl::Status Charge(absl::Span<const Limited> all, const Cost& cost,
                      absl::Time now);

  // A place with each of them, or RESOURCE_EXHAUSTED if so many are open.
  absl::StatusOr<StreamPlace> OpenStream(absl::Span<const Limited> all,
                                         absl::Time now);

 private:
  struct Use {
    TokenBucket requests;
    TokenBucket interactions;
    TokenBucket bytes;
    int64_t streams = 0;
    absl::Time full = absl::InfinitePast();  // when all buckets will be
  };
  struct Part;
  static std::array<Part, 3> PartsOf(const auth::Limits& limits,
                                     const Cost& cost, Use* use);
  absl::Status Check(const Limited& limited, const Cost& cost, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(const Limited& limited, const Cost& cost, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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
