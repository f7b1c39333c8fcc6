// How Upkeep removes every copy of what was erased, and tries again if it could
// not.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "model/sync_point.h"
#include "server/lifecycle/upkeep.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "store/files/checkpoint_files.h"

namespace taud::server {
namespace {

// How long after an erasure that failed it is tried again: the first time, and
// twice as long each time, up to the longest.
constexpr absl::Duration kFirstRetry = absl::Seconds(5);
constexpr absl::Duration kLongestRetry = absl::Seconds(60);

void SetGone(store::ErasedCopy copy, std::vector<store::Erasure>* erasures) {
  const int64_t now = absl::ToUnixMillis(absl::Now());
  for (store::Erasure& erasure : *erasures) erasure.record.gone(copy) = now;
}

}  // namespace

// What failed waits for its time, unless more has come.
void Upkeep::EraseOrRetry(bool notified) {
  if (!notified && model::SteadyNow() < erase_due_) return;
  const absl::Status erased = Guarded([this] { return EraseAll(); });
  if (erased.ok()) {
    erase_due_ = absl::InfinitePast();
    erase_wait_ = absl::ZeroDuration();
    absl::MutexLock lock(&mutex_);
    stats_.erasure = Trouble();
    return;
  }
  erase_wait_ = std::clamp(2 * erase_wait_, kFirstRetry, kLongestRetry);
  erase_due_ = model::SteadyNow() + erase_wait_;
  Log(LogLevel::kError, "erasure not finished; it is tried again",
      {{"error", std::string(erased.message())},
       {"in_seconds", absl::StrCat(absl::ToDoubleSeconds(erase_wait_))}});
  absl::MutexLock lock(&mutex_);
  NoteTrouble(std::string(erased.message()), absl::ToUnixMillis(absl::Now()),
              &stats_.erasure);
}

absl::Status Upkeep::EraseAll() {
  std::vector<store::Erasure> pending = store_->PendingErasures();
  absl::Status status;
  if (!pending.empty()) {
    {
      absl::MutexLock lock(&mutex_);
      stats_.pending_erasures = pending.size();
    }
    status = EraseCopies(&pending);
  }
  const size_t left =
      status.ok() ? store_->PendingErasures().size() : pending.size();
  absl::MutexLock lock(&mutex_);
  stats_.pending_erasures = left;
  if (status.ok() && left > 0) notified_ = true;  // came meanwhile
  return status;
}

absl::Status Upkeep::EraseCopies(std::vector<store::Erasure>* pending) {
  std::vector<uint32_t> users;
  std::vector<uint32_t> items;
  for (store::Erasure& erasure : *pending) {
    const bool user = erasure.record.subject == store::ErasureSubject::kUser;
    (user ? users : items).push_back(erasure.record.index);
    erasure.record.interactions = 0;
  }
  Log(LogLevel::kInfo, "erasing",
      {{"users", absl::StrCat(users.size())},
       {"items", absl::StrCat(items.size())}});
  absl::Status status = ForgetInMemory(*pending);
  if (!status.ok()) return status;
  SetGone(store::ErasedCopy::kMemory, pending);
  TAUD_SYNC_POINT("erasure/memory");

  const auto version = publisher_->Erase(users, items, histories_);
  if (!version.ok()) return version.status();
  for (store::Erasure& erasure : *pending) {
    erasure.record.serving_version = *version;
  }
  SetGone(store::ErasedCopy::kServing, pending);
  SetGone(store::ErasedCopy::kSnapshots, pending);
  TAUD_SYNC_POINT("erasure/snapshots");

  status = ReplaceCheckpoints();
  if (!status.ok()) return status;
  SetGone(store::ErasedCopy::kCheckpoints, pending);
  status = store_->WriteReceipts(*pending);
  if (!status.ok()) return status;
  TAUD_SYNC_POINT("erasure/checkpoints");

  status = store_->EraseFromLog(pending);
  if (!status.ok()) return status;
  SetGone(store::ErasedCopy::kLog, pending);
  TAUD_SYNC_POINT("erasure/log");
  status = store_->WriteReceipts(*pending);
  if (!status.ok()) return status;
  forgotten_.clear();
  histories_.clear();
  after_forgetting_.reset();
  Log(LogLevel::kInfo, "erased",
      {{"users", absl::StrCat(users.size())},
       {"items", absl::StrCat(items.size())},
       {"serving_version", absl::StrCat(*version)}});
  return absl::OkStatus();
}

absl::Status Upkeep::ForgetInMemory(
    const std::vector<store::Erasure>& pending) {
  std::vector<uint32_t> users;
  std::vector<uint32_t> items;
  for (const store::Erasure& erasure : pending) {
    if (forgotten_.contains(erasure.id)) continue;
    const bool user = erasure.record.subject == store::ErasureSubject::kUser;
    (user ? users : items).push_back(erasure.record.index);
  }
  if (users.empty() && items.empty()) return absl::OkStatus();
  for (const model::UserIndex user : users) {
    state_->interactions.CopySeen(user, &histories_.emplace_back());
  }
  state_->interactions.Erase(users, items);
  auto training = ForgetInTraining(users, items);
  if (!training.ok()) return training.status();
  after_forgetting_ = *std::move(training);
  for (const store::Erasure& erasure : pending) forgotten_.insert(erasure.id);
  return absl::OkStatus();
}

absl::Status Upkeep::ReplaceCheckpoints() {
  // The state of before, if it waits to be written, is dropped.
  {
    absl::MutexLock lock(&mutex_);
    if (after_forgetting_ != nullptr && offered_ != nullptr &&
        offered_->created_ms <= after_forgetting_->created_ms) {
      offered_.reset();
    }
  }
  size_t keep = 0;
  if (after_forgetting_ != nullptr) {
    absl::Status status = SaveNow(*after_forgetting_);
    if (absl::IsResourceExhausted(status)) {
      // What is to go makes room. If that is not enough, there is none until
      // there is more: training would go on from a snapshot.
      status = store::PruneCheckpoints(checkpoints_, 0);
      if (!status.ok()) return status;
      status = SaveNow(*after_forgetting_);
      if (absl::IsResourceExhausted(status)) {
        Log(LogLevel::kError, "an erasure left no checkpoint",
            {{"error", std::string(status.message())}});
        absl::MutexLock lock(&mutex_);
        ++stats_.checkpoint_errors;
        NoteTrouble(std::string(status.message()),
                    absl::ToUnixMillis(absl::Now()), &stats_.checkpoints);
        return absl::OkStatus();
      }
    }
    if (!status.ok()) return status;
    keep = 1;
  }
  return store::PruneCheckpoints(checkpoints_, keep);
}

// The state after it; null if there is none to keep.
absl::StatusOr<std::unique_ptr<model::TrainingState>> Upkeep::ForgetInTraining(
    const std::vector<uint32_t>& users, const std::vector<uint32_t>& items) {
  using State = std::unique_ptr<model::TrainingState>;
  auto finished = std::make_shared<absl::Notification>();
  auto after = std::make_shared<absl::StatusOr<State>>(State());
  const absl::Status status = trainer_->Forget(
      users, items, [finished, after](absl::StatusOr<State> state) {
        *after = std::move(state);
        finished->Notify();
      });
  // One that has failed holds nothing any more, and has nothing to go on from.
  if (absl::IsUnavailable(status)) {
    const trainer::TrainerState state = trainer_->status().state;
    if (state == trainer::TrainerState::kFailed) {
      return State();
    }
  }
  if (!status.ok()) return status;
  finished->WaitForNotification();
  return std::move(*after);
}

}  // namespace taud::server
