#include "server/lifecycle/version_lifecycle.h"

#include "absl/strings/str_cat.h"

namespace taud::server {

absl::string_view StateName(VersionLifecycle::State state) {
  switch (state) {
    case VersionLifecycle::State::kIdle:
      return "idle";
    case VersionLifecycle::State::kWanted:
      return "wanted";
    case VersionLifecycle::State::kLoading:
      return "loading";
    case VersionLifecycle::State::kReady:
      return "ready";
  }
  return "unknown";
}

absl::Status VersionLifecycle::Move(State from, State to) {
  if (state_ != from) {
    return absl::InternalError(
        absl::StrCat("version lifecycle: ", StateName(to), " follows ",
                     StateName(from), ", not ", StateName(state_)));
  }
  state_ = to;
  return absl::OkStatus();
}

absl::Status VersionLifecycle::Want(model::SnapshotVersion version) {
  absl::Status status = Move(State::kIdle, State::kWanted);
  if (status.ok()) wanted_ = version;
  return status;
}

absl::Status VersionLifecycle::Load(model::SnapshotVersion version) {
  absl::Status status = Move(State::kWanted, State::kLoading);
  if (status.ok()) loading_ = version;
  return status;
}

absl::Status VersionLifecycle::Loaded() {
  return Move(State::kLoading, State::kReady);
}

absl::Status VersionLifecycle::Serve() {
  absl::Status status = Move(State::kReady, State::kIdle);
  if (!status.ok()) return status;
  serving_ = *loading_;
  wanted_.reset();
  loading_.reset();
  return status;
}

void VersionLifecycle::Abandon() {
  state_ = State::kIdle;
  wanted_.reset();
  loading_.reset();
}

absl::Status VersionLifecycle::ServeNothing() {
  absl::Status status = Move(State::kIdle, State::kIdle);
  if (status.ok()) serving_ = 0;
  return status;
}

OfferVerdict JudgeOffer(model::Sequence offered_through,
                        std::optional<model::Sequence> serving_through,
                        model::SnapshotVersion pinned, bool asked_for) {
  if (serving_through.has_value() && offered_through < *serving_through) {
    return OfferVerdict::kBehind;
  }
  // Only somebody who asks for it ends a roll-back.
  if (pinned != 0 && !asked_for) return OfferVerdict::kPinned;
  return OfferVerdict::kTake;
}

}  // namespace taud::server
