#include "server/admission/credential_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/rpc/errors.h"

namespace taud::server {

void CredentialLimits::Fill(double rate, absl::Time now, Bucket* bucket) {
  const double seconds =
      bucket->begun ? absl::ToDoubleSeconds(now - bucket->filled) : 1;
  bucket->left = std::min(rate, bucket->left + std::max(0.0, seconds) * rate);
  bucket->begun = true;
  bucket->filled = now;
}

absl::Status CredentialLimits::Charge(const std::string& key,
                                      const std::string& name,
                                      const auth::Limits& limits,
                                      const Cost& cost, absl::Time now) {
  if (!limits.any()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  Use& use = uses_[key];
  const struct {
    const char* limit;
    double rate;
    double cost;
    Bucket* bucket;
  } all[] = {
      {"requests_per_second", limits.requests_per_second, cost.requests,
       &use.requests},
      {"interactions_per_second", limits.interactions_per_second,
       cost.interactions, &use.interactions},
      {"bytes_per_second", limits.bytes_per_second, cost.bytes, &use.bytes},
  };
  for (const auto& one : all) {
    if (one.rate <= 0 || one.cost <= 0) continue;
    Fill(one.rate, now, one.bucket);
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
    if (one.rate > 0) one.bucket->left -= one.cost;
  }
  return absl::OkStatus();
}

absl::StatusOr<StreamPlace> CredentialLimits::OpenStream(
    const std::string& key, const std::string& name,
    const auth::Limits& limits) {
  if (limits.streams == 0) return StreamPlace();
  absl::MutexLock lock(&mutex_);
  int64_t& open = uses_[key].streams;
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
