#include "server/quality/servable.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace taud::server {
namespace {

bool AnyPositive(const std::vector<uint32_t>& counts) {
  return std::any_of(counts.begin(), counts.end(),
                     [](uint32_t count) { return count > 0; });
}

bool IsTrained(const model::Snapshot& snapshot) {
  return AnyPositive(snapshot.user_degree) &&
         AnyPositive(snapshot.item_popularity);
}

absl::Status Rejected(absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("gate: ", why));
}

}  // namespace

absl::Status CheckServable(const model::Snapshot& candidate,
                           const model::Snapshot* serving, size_t dim) {
  const absl::Status valid = model::ValidateSnapshot(candidate);
  if (!valid.ok()) return Rejected(valid.message());
  if (candidate.dim() != dim) {
    return Rejected(absl::StrCat("dimension ", candidate.dim(),
                                 ", configured (trainer.dim) ", dim));
  }
  if (!IsTrained(candidate) && serving != nullptr && IsTrained(*serving)) {
    return Rejected("no user or no item was trained");
  }
  if (serving != nullptr &&
      candidate.trained_through < serving->trained_through) {
    return Rejected(absl::StrCat("trained through ", candidate.trained_through,
                                 ", the serving one through ",
                                 serving->trained_through));
  }
  return absl::OkStatus();
}

}  // namespace taud::server
