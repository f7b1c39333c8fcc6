#include "server/admission/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Fills any bucket that is not deep in debt.
constexpr absl::Duration kIdle = absl::Seconds(2);

}  // namespace

absl::Status ClientRates::Admit(absl::string_view client, double cost,
                                absl::Time now) {
  if (unlimited()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  auto it = buckets_.find(client);
  if (it == buckets_.end()) {
    if (buckets_.size() >= kMaxClients) ForgetIdle(now);
    if (buckets_.size() >= kMaxClients) {
      absl::Status status = absl::ResourceExhaustedError(
          "more clients than the server keeps count of; retry after a pause");
      SetRetryDelay(kIdle, &status);
      return status;
    }
    it = buckets_.emplace(client, TokenBucket()).first;
  }
  TokenBucket& bucket = it->second;
  bucket.Fill(per_second_, now);
  const double needed = std::min(cost, per_second_);
  if (bucket.left >= needed) {
    bucket.left -= cost;
    return absl::OkStatus();
  }
  absl::Status status = absl::ResourceExhaustedError(
      absl::StrCat("more than ", per_second_,
                   " recommendations a second from one client "
                   "(serving.requests_per_client); retry after a pause"));
  SetRetryDelay(absl::Seconds((needed - bucket.left) / per_second_), &status);
  return status;
}

void ClientRates::ForgetIdle(absl::Time now) {
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    const bool idle = now - it->second.filled > kIdle;
    if (idle) {
      buckets_.erase(it++);
    } else {
      ++it;
    }
  }
}

absl::string_view ClientOf(absl::string_view peer) {
  const size_t colon = peer.rfind(':');
  // "unix:/path" has no port.
  if (colon == absl::string_view::npos || peer.find(':') == colon) return peer;
  return peer.substr(0, colon);
}

bool MemoryBudget::Take(size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used > 0 && used + bytes > bytes_) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

}  // namespace taud::server
