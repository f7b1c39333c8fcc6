#include "server/admission/credential_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Between two looks for entries to forget; fills a bucket without debt.
constexpr absl::Duration kIdle = absl::Seconds(1);

}  // namespace

absl::StatusOr<CredentialLimits::Use*> CredentialLimits::UseOf(
    const std::string& key, absl::Time now) {
  const auto it = uses_.find(key);
  if (it != uses_.end()) return &it->second;
  if (uses_.size() >= kMaxCredentials) ForgetIdle(now);
  if (uses_.size() < kMaxCredentials) return &uses_[key];
  absl::Status status = absl::ResourceExhaustedError(
      "more callers than the server keeps count of; retry after a pause");
  SetRetryDelay(kIdle, &status);
  return status;
}

void CredentialLimits::ForgetIdle(absl::Time now) {
  // Not for each call of a flood of new callers.
  if (now - looked_ < kIdle) return;
  looked_ = now;
  for (auto it = uses_.begin(); it != uses_.end();) {
    if (it->second.streams == 0 && now >= it->second.full) {
      uses_.erase(it++);
    } else {
      ++it;
    }
  }
}

absl::Status CredentialLimits::Charge(const std::string& key,
                                      const std::string& name,
                                      const auth::Limits& limits,
                                      const Cost& cost, absl::Time now) {
  if (!limits.any()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  const auto found = UseOf(key, now);
  if (!found.ok()) return found.status();
  Use& use = **found;
  const struct {
    const char* limit;
    double rate;
    double cost;
    TokenBucket* bucket;
  } all[] = {
      {"requests_per_second", limits.requests_per_second, cost.requests,
       &use.requests},
      {"interactions_per_second", limits.interactions_per_second,
       cost.interactions, &use.interactions},
      {"bytes_per_second", limits.bytes_per_second, cost.bytes, &use.bytes},
  };
  for (const auto& one : all) {
    if (one.rate <= 0 || one.cost <= 0) continue;
    one.bucket->Fill(one.rate, now);
    const double needed = std::min(one.cost, one.rate);
    if (one.bucket->left >= needed) continue;
    absl::Status status = absl::ResourceExhaustedError(
        absl::StrCat(name, " may take ", one.rate, " (", one.limit,
                     " of its credential); retry after a pause"));
    SetRetryDelay(absl::Seconds((needed - one.bucket->left) / one.rate),
                  &status);
    return status;
  }
  for (const auto& one : all) {
    if (one.rate <= 0) continue;
    one.bucket->left -= one.cost;
    const double missing = (one.rate - one.bucket->left) / one.rate;
    use.full = std::max(use.full, now + absl::Seconds(missing));
  }
  return absl::OkStatus();
}

absl::StatusOr<StreamPlace> CredentialLimits::OpenStream(
    const std::string& key, const std::string& name, const auth::Limits& limits,
    absl::Time now) {
  if (limits.streams == 0) return StreamPlace();
  absl::MutexLock lock(&mutex_);
  const auto use = UseOf(key, now);
  if (!use.ok()) return use.status();
  int64_t& open = (*use)->streams;
  if (open >= limits.streams) {
    return absl::ResourceExhaustedError(
        absl::StrCat(name, " has ", open,
                     " streams open, as many as it may (streams of its "
                     "credential)"));
  }
  ++open;
  // Not a pointer to the entry: others may move it.
  return StreamPlace(this, [this, key](const void*) {
    absl::MutexLock own(&mutex_);
    --uses_[key].streams;
  });
}

}  // namespace taud::server
