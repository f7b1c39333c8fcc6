#include "server/rpc/host_rates.h"

namespace taud::server {
namespace {

// After which any bucket is full.
constexpr absl::Duration kSilent = absl::Seconds(1);

}  // namespace

bool HostRates::Take(const std::string& host, absl::Time now) {
  if (per_second_ <= 0 || host.empty()) return true;
  auto it = hosts_.find(host);
  if (it == hosts_.end()) {
    if (hosts_.size() >= kMaxHosts && !MakeRoom(now)) return true;
    it = hosts_.emplace(host, TokenBucket()).first;
  }
  TokenBucket& bucket = it->second;
  bucket.Fill(per_second_, now);
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

bool HostRates::MakeRoom(absl::Time now) {
  // Looking at all of them for each connection would be an attack of its own.
  if (now - looked_ < kSilent) return false;
  looked_ = now;
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    if (now - it->second.filled >= kSilent) {
      hosts_.erase(it++);
    } else {
      ++it;
    }
  }
  return hosts_.size() < kMaxHosts;
}

}  // namespace taud::server
