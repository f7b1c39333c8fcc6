#ifndef TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_
#define TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_

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

namespace taud::server {

// What a call takes of its caller's limits.
struct Cost {
  double requests = 0;
  double interactions = 0;
  double bytes = 0;
};

// A place among a credential's open streams; given back when it goes.
using StreamPlace = std::shared_ptr<const void>;

// What each credential takes, against the limits of its line in the tokens
// file: a bucket for each limit, filled at its rate and holding one second of
// it. Keeps an entry a credential that has limits, while the process lives.
// Thread-safe.
class CredentialLimits {
 public:
  // Takes all of the cost, or nothing: RESOURCE_EXHAUSTED, naming the limit and
  // the credential, with a RetryInfo. A cost beyond a second's worth passes
  // when the bucket is full.
  absl::Status Charge(const std::string& key, const std::string& name,
                      const auth::Limits& limits, const Cost& cost,
                      absl::Time now);

  // RESOURCE_EXHAUSTED if so many are open.
  absl::StatusOr<StreamPlace> OpenStream(const std::string& key,
                                         const std::string& name,
                                         const auth::Limits& limits);

 private:
  struct Bucket {
    bool begun = false;
    double left = 0;
    absl::Time filled;
  };
  struct Use {
    Bucket requests;
    Bucket interactions;
    Bucket bytes;
    int64_t streams = 0;
  };
  static void Fill(double rate, absl::Time now, Bucket* bucket);

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Use> uses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_CREDENTIAL_LIMITS_H_
