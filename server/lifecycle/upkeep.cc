#include "server/lifecycle/upkeep.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "model/sync_point.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "store/files/free_space.h"

namespace taud::server {
namespace {

// After an erasure that failed; twice as long each time, up to the longest.
constexpr absl::Duration kRetry = absl::Seconds(5);
constexpr absl::Duration kLongestRetry = absl::Seconds(60);

int64_t NowMs() { return absl::ToUnixMillis(absl::Now()); }

// The edge of the upkeep's thread: what throws, for want of memory above all,
// fails the one thing that it was at.
template <typename Work>
auto Guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return CaughtStatus();
  }
}

void SetGone(store::ErasedCopy copy, std::vector<store::Erasure>* erasures) {
  const int64_t now = NowMs();
  for (store::Erasure& erasure : *erasures) erasure.record.gone(copy) = now;
}

// Since when it fails stays; why is what was said last.
void NoteTrouble(const absl::Status& status, Trouble* trouble) {
  if (trouble->since_ms == 0) trouble->since_ms = NowMs();
  trouble->why = std::string(status.message());
}

}  // namespace

Upkeep::Upkeep(const Options& options, model::State* state,
               store::EventStore* store, Publisher* publisher,
               trainer::OnlineTrainer* trainer)
    : options_(options),
      checkpoints_(store::CheckpointsIn(options.data_dir)),
      state_(state),
      store_(store),
      publisher_(publisher),
      trainer_(trainer),
      erase_retry_(kRetry) {}

Upkeep::~Upkeep() { Stop(nullptr); }

absl::StatusOr<bool> Upkeep::ResumeTraining() {
  const auto found = store::ListCheckpoints(checkpoints_);
  if (!found.ok()) return found.status();
  for (auto info = found->rbegin(); info != found->rend(); ++info) {
    auto state = store::LoadCheckpoint(checkpoints_, info->number);
    absl::Status status = state.status();
    if (status.ok() && (*state)->absorbed_through > store_->log_end()) {
      return absl::DataLossError(absl::StrCat(
          info->path, " has learnt from interaction ",
          (*state)->absorbed_through, ", but the log ends at ",
          store_->log_end(),
          ": acknowledged interactions are missing from it. Restore the data "
          "directory from a backup; or, to go on without them, remove ",
          checkpoints_, " and the snapshots beside it"));
    }
    if (status.ok()) {
      const model::Sequence through = (*state)->absorbed_through;
      const int64_t created_ms = (*state)->created_ms;
      status = trainer_->Resume(*std::move(state), state_->users.size(),
                                state_->items.size());
      if (status.ok()) {
        Log(LogLevel::kInfo, "training resumes from a checkpoint",
            {{"file", info->path},
             {"absorbed_through", absl::StrCat(through)}});
        absl::MutexLock lock(&mutex_);
        stats_.checkpoint = info->number;
        stats_.absorbed_through = through;
        stats_.checkpoint_ms = created_ms;
        stats_.resumed_from = "checkpoint";
        return true;
      }
    }
    Log(LogLevel::kWarning, "checkpoint passed over",
        {{"file", info->path}, {"error", std::string(status.message())}});
  }
  return false;
}

void Upkeep::SetResumedFrom(const std::string& what) {
  absl::MutexLock lock(&mutex_);
  stats_.resumed_from = what;
}

void Upkeep::Start() {
  {
    absl::MutexLock lock(&mutex_);
    started_ = true;
    notified_ = true;  // erasures of before the start
  }
  thread_ = std::thread([this] { Run(); });
}

void Upkeep::OfferCheckpoint(std::unique_ptr<model::TrainingState> state) {
  // An older one is freed after the lock was given back.
  absl::MutexLock lock(&mutex_);
  offered_.swap(state);
}

void Upkeep::Notify() {
  absl::MutexLock lock(&mutex_);
  notified_ = true;
}

absl::Status Upkeep::Backup(const std::string& directory, BackupDone done) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || !started_) {
    return absl::UnavailableError("the server is starting or draining");
  }
  if (backing_up_) {
    return absl::ResourceExhaustedError(
        "another backup is being made; try again when it is done");
  }
  backing_up_ = true;
  backup_ = std::make_unique<BackupRequest>();
  backup_->directory = directory;
  backup_->done = std::move(done);
  return absl::OkStatus();
}

void Upkeep::CallOffBackup() {
  call_off_ = true;
  store_->StopCopies(true);
}

void Upkeep::Stop(std::unique_ptr<model::TrainingState> last) {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  CallOffBackup();
  if (!thread_.joinable()) return;
  thread_.join();
  if (last != nullptr) Save(*last);
}

void Upkeep::Run() {
  absl::Time retention_due = model::SteadyNow();
  absl::Time watch_due =
      options_.watched ? model::SteadyNow() : absl::InfiniteFuture();
  const bool trims =
      options_.retention.max_age_ms > 0 || options_.retention.max_bytes > 0;
  while (true) {
    std::unique_ptr<model::TrainingState> checkpoint;
    std::unique_ptr<BackupRequest> backup;
    bool stopping = false;
    bool notified = false;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || notified_ || offered_ != nullptr ||
               backup_ != nullptr;
      };
      absl::Time until = trims ? retention_due : absl::InfiniteFuture();
      if (stats_.pending_erasures > 0) until = std::min(until, erase_due_);
      until = std::min(until, watch_due);
      alarm_.Await(&mutex_, absl::Condition(&ready), until);
      stopping = stopping_;
      backup.swap(backup_);
      if (!stopping) {
        notified = std::exchange(notified_, false);
        checkpoint.swap(offered_);
      }
    }
    if (stopping) {
      if (backup != nullptr) {
        backup->done(absl::UnavailableError("the server is draining"));
      }
      return;
    }
    if (model::SteadyNow() >= watch_due) {
      Guarded([this] {
        Watch();
        return absl::OkStatus();
      }).IgnoreError();
      watch_due = model::SteadyNow() + options_.watch_interval;
    }
    if (checkpoint != nullptr) {
      Save(*checkpoint);
      PurgeRetracted();
    }
    EraseOrRetry(notified);
    if (trims && model::SteadyNow() >= retention_due) {
      Trim();
      retention_due = model::SteadyNow() + options_.retention_interval;
    }
    if (backup != nullptr) {
      auto made = MakeBackup(backup->directory);
      {
        absl::MutexLock lock(&mutex_);
        backing_up_ = false;
      }
      backup->done(std::move(made));
    }
  }
}

// What failed waits for its time, unless more has come.
void Upkeep::EraseOrRetry(bool notified) {
  if (!notified && model::SteadyNow() < erase_due_) return;
  const absl::Status erased = Guarded([this] { return EraseAll(); });
  if (erased.ok()) {
    erase_due_ = absl::InfinitePast();
    erase_retry_ = kRetry;
    absl::MutexLock lock(&mutex_);
    stats_.erasure = Trouble();
    return;
  }
  Log(LogLevel::kError, "erasure not finished; it is tried again",
      {{"error", std::string(erased.message())},
       {"in_seconds", absl::StrCat(absl::ToDoubleSeconds(erase_retry_))}});
  erase_due_ = model::SteadyNow() + erase_retry_;
  erase_retry_ = std::min(2 * erase_retry_, kLongestRetry);
  absl::MutexLock lock(&mutex_);
  NoteTrouble(erased, &stats_.erasure);
}

void Upkeep::PurgeRetracted() {
  const absl::Status status = Guarded([this]() -> absl::Status {
    if (state_->interactions.last_retraction() <= purged_through_) {
      return absl::OkStatus();
    }
    const auto needed = NeededAfter();
    if (!needed.ok()) return needed.status();
    if (*needed <= purged_through_) return absl::OkStatus();
    const auto purged = store_->PurgeRetracted(*needed);
    if (!purged.ok()) return purged.status();
    purged_through_ = std::max(purged_through_, *purged);
    return absl::OkStatus();
  });
  if (status.ok()) return;
  Log(LogLevel::kError,
      "what was taken back is still in the log; it is tried again with the "
      "next checkpoint",
      {{"error", std::string(status.message())}});
}

void Upkeep::Save(const model::TrainingState& state) {
  const absl::Status status = Guarded([&] { return SaveNow(state); });
  if (status.ok()) return;
  Log(LogLevel::kError, "checkpoint not written; training goes on",
      {{"error", std::string(status.message())}});
  absl::MutexLock lock(&mutex_);
  ++stats_.checkpoint_errors;
  NoteTrouble(status, &stats_.checkpoints);
}

absl::Status Upkeep::SaveNow(const model::TrainingState& state) {
  absl::Status status =
      store::CheckFreeSpace(options_.data_dir, options_.min_free_bytes);
  if (!status.ok()) return status;
  const auto number = store::SaveCheckpoint(checkpoints_, state);
  if (!number.ok()) return number.status();
  {
    absl::MutexLock lock(&mutex_);
    stats_.checkpoint = *number;
    stats_.absorbed_through = state.absorbed_through;
    stats_.checkpoint_ms = state.created_ms;
    stats_.checkpoints = Trouble();
  }
  return store::PruneCheckpoints(checkpoints_, options_.keep_checkpoints);
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

  const auto version = publisher_->Erase(users, items);
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
        NoteTrouble(status, &stats_.checkpoints);
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

absl::StatusOr<model::Sequence> Upkeep::NeededAfter() const {
  const auto found = store::ListCheckpoints(checkpoints_);
  if (!found.ok()) return found.status();
  // With fewer than are to be kept, an older one may yet be needed.
  if (found->size() < options_.keep_checkpoints) return model::Sequence{0};
  model::Sequence through = ~model::Sequence{0};
  for (const store::CheckpointInfo& info : *found) {
    const auto absorbed =
        store::ReadCheckpointSequence(checkpoints_, info.number);
    if (!absorbed.ok()) return absorbed.status();
    through = std::min(through, *absorbed);
  }
  return through;
}

void Upkeep::Trim() {
  const absl::Status status = Guarded([this]() -> absl::Status {
    const auto through = NeededAfter();
    if (!through.ok()) return through.status();
    const auto before = store_->stats().trimmed_through;
    const auto trimmed = store_->Trim(options_.retention, *through);
    if (trimmed.ok() && *trimmed > before) {
      Log(LogLevel::kInfo, "old interactions left the log",
          {{"through", absl::StrCat(*trimmed)}});
    }
    return trimmed.status();
  });
  if (status.ok()) return;
  Log(LogLevel::kError, "the log was not trimmed; it is tried again",
      {{"error", std::string(status.message())}});
}

absl::StatusOr<store::BackupManifest> Upkeep::MakeBackup(
    const std::string& directory) {
  const auto incomplete = store::BeginBackup(directory);
  if (!incomplete.ok()) return incomplete.status();
  Log(LogLevel::kInfo, "making a backup", {{"directory", directory}});
  auto manifest = Guarded([&] { return FillBackup(directory, *incomplete); });
  if (!manifest.ok() && call_off_) {
    manifest = absl::UnavailableError("the server is draining");
  }
  if (!manifest.ok()) {
    const bool removed = store::AbandonBackup(directory).ok();
    Log(LogLevel::kError, "backup not made",
        {{"directory", directory},
         {"error", std::string(manifest.status().message())},
         {"left_over", removed ? "nothing" : *incomplete}});
    return manifest;
  }
  Log(LogLevel::kInfo, "backup made",
      {{"directory", directory}, {"bytes", absl::StrCat(manifest->bytes())}});
  return manifest;
}

absl::StatusOr<store::BackupManifest> Upkeep::FillBackup(
    const std::string& directory, const std::string& incomplete) {
  // The log last: it must have all that the others have learnt.
  const store::CalledOff called_off = [this] { return call_off_.load(); };
  absl::Status status = publisher_->RunQuietly([&] {
    return store::LinkTree(store::SnapshotsIn(options_.data_dir),
                           store::SnapshotsIn(incomplete), called_off);
  });
  if (status.ok()) {
    status = store::LinkTree(checkpoints_, store::CheckpointsIn(incomplete),
                             called_off);
  }
  TAUD_SYNC_POINT("backup/log");
  if (status.ok()) status = store_->CopyTo(store::LogIn(incomplete));
  if (status.ok()) status = store::MarkDataDirectory(incomplete);
  if (!status.ok()) return status;
  return store::FinishBackup(directory, NowMs(), store_->stats().last_sequence,
                             called_off);
}

Upkeep::Stats Upkeep::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace taud::server
