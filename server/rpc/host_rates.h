#ifndef TAUD_SERVER_RPC_HOST_RATES_H_
#define TAUD_SERVER_RPC_HOST_RATES_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/rpc/token_bucket.h"

namespace taud::server {

// How many connections each host opens in a second. What gRPC is given it works
// off, also after the client has gone: who sends and leaves again and again
// makes others wait. Remembers kMaxHosts; those that have been silent for a
// second are forgotten first, and beyond it a new host passes. Not thread-safe.
class HostRates {
 public:
  static constexpr size_t kMaxHosts = 65536;

  // 0: any number.
  explicit HostRates(size_t per_second)
      : per_second_(static_cast<double>(per_second)) {}

  // Whether `host` may have one more now; empty: a Unix socket's, always.
  bool Take(const std::string& host, absl::Time now);

 private:
  bool MakeRoom(absl::Time now);

  const double per_second_;
  absl::flat_hash_map<std::string, TokenBucket> hosts_;
  absl::Time looked_ = absl::InfinitePast();  // for hosts to forget
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_HOST_RATES_H_
