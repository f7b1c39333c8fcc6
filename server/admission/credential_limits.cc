#include "server/admission/credential_limits.h"

#include <algorithm>
#include <vector>

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

// One limit, and what a call takes of it.
struct CredentialLimits::Part {
  const char* limit;
  double rate;
  double cost;
  TokenBucket* bucket;
};

std::array<CredentialLimits::Part, 3> CredentialLimits::PartsOf(
    const auth::Limits& limits, const Cost& cost, Use* use) {
  return {{
      {"requests_per_second", limits.requests_per_second, cost.requests,
       &use->requests},
      {"interactions_per_second", limits.interactions_per_second,
       cost.interactions, &use->interactions},
      {"bytes_per_second", limits.bytes_per_second, cost.bytes, &use->bytes},
  }};
}

absl::Status CredentialLimits::Check(const Limited& limited, const Cost& cost,
                                     absl::Time now) {
  const auto use = UseOf(limited.key, now);
  if (!use.ok()) return use.status();
  for (const Part& part : PartsOf(limited.limits, cost, *use)) {
    if (part.rate <= 0 || part.cost <= 0) continue;
    part.bucket->Fill(part.rate, now);
    const double needed = std::min(part.cost, part.rate);
    if (part.bucket->left >= needed) continue;
    absl::Status status = absl::ResourceExhaustedError(
        absl::StrCat(limited.who, " may take ", part.rate, " (", part.limit,
                     " of ", limited.whose, "); retry after a pause"));
    SetRetryDelay(absl::Seconds((needed - part.bucket->left) / part.rate),
                  &status);
    return status;
  }
  return absl::OkStatus();
}

void CredentialLimits::Take(const Limited& limited, const Cost& cost,
                            absl::Time now) {
  Use& use = uses_[limited.key];
  for (const Part& part : PartsOf(limited.limits, cost, &use)) {
    if (part.rate <= 0) continue;
    part.bucket->Fill(part.rate, now);
    part.bucket->left -= part.cost;
    const double missing = (part.rate - part.bucket->left) / part.rate;
    use.full = std::max(use.full, now + absl::Seconds(missing));
  }
}

absl::Status CredentialLimits::Charge(absl::Span<const Limited> all,
                                      const Cost& cost, absl::Time now) {
  if (all.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  for (const Limited& limited : all) {
    absl::Status status = Check(limited, cost, now);
    if (!status.ok()) return status;
  }
  for (const Limited& limited : all) Take(limited, cost, now);
  return absl::OkStatus();
}

absl::StatusOr<StreamPlace> CredentialLimits::OpenStream(
    absl::Span<const Limited> all, absl::Time now) {
  if (all.empty()) return StreamPlace();
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> keys;
  for (const Limited& limited : all) {
    if (limited.limits.streams == 0) continue;
    const auto use = UseOf(limited.key, now);
    if (!use.ok()) return use.status();
    const int64_t open = (*use)->streams;
    if (open >= limited.limits.streams) {
      return absl::ResourceExhaustedError(absl::StrCat(
          limited.who, " has ", open,
          " streams open, as many as it may (streams of ", limited.whose, ")"));
    }
    keys.push_back(limited.key);
  }
  if (keys.empty()) return StreamPlace();
  for (const std::string& key : keys) ++uses_[key].streams;
  // Not pointers to the entries: others may move them.
  return StreamPlace(this, [this, keys](const void*) {
    absl::MutexLock own(&mutex_);
    for (const std::string& key : keys) --uses_[key].streams;
  });
}

}  // namespace taud::server
