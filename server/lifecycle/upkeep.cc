#include "server/lifecycle/upkeep.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/sync_point.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "store/files/free_space.h"

namespace taud::server {
namespace {

int64_t NowMs() { return absl::ToUnixMillis(absl::Now()); }

}  // namespace

Upkeep::Upkeep(const Options& options, model::State* state,
               store::EventStore* store, Publisher* publisher,
               trainer::OnlineTrainer* trainer)
    : options_(options),
      checkpoints_(store::CheckpointsIn(options.data_dir)),
      state_(state),
      store_(store),
      publisher_(publisher),
      trainer_(trainer) {}

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
  retention_due_ = trims() ? model::SteadyNow() : absl::InfiniteFuture();
  watch_due_ = options_.watched ? model::SteadyNow() : absl::InfiniteFuture();
  bool more = true;
  while (more) {
    const absl::Status status = Guarded([this, &more] {
      Turn turn;
      more = AwaitTurn(&turn);
      if (more) {
        DoTurn(&turn);
      } else if (turn.backup != nullptr) {
        turn.backup->done(absl::UnavailableError("the server is draining"));
      }
      return absl::OkStatus();
    });
    if (status.ok()) continue;
    // Each duty guards itself; this is what lies between them. The duties that
    // were left out come again when they are due.
    Log(LogLevel::kError, "upkeep goes on after an error",
        {{"error", std::string(status.message())}});
  }
}

bool Upkeep::AwaitTurn(Turn* turn) {
  absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || notified_ || offered_ != nullptr || backup_ != nullptr;
  };
  absl::Time until = std::min(retention_due_, watch_due_);
  if (stats_.pending_erasures > 0) until = std::min(until, erase_due_);
  alarm_.Await(&mutex_, absl::Condition(&ready), until);
  turn->backup.swap(backup_);
  if (stopping_) return false;
  turn->notified = std::exchange(notified_, false);
  turn->checkpoint.swap(offered_);
  return true;
}

void Upkeep::DoTurn(Turn* turn) {
  if (model::SteadyNow() >= watch_due_) {
    watch_due_ = model::SteadyNow() + options_.watch_interval;
    Guarded([this] {
      Watch();
      return absl::OkStatus();
    }).IgnoreError();
  }
  if (turn->checkpoint != nullptr) {
    Save(*turn->checkpoint);
    PurgeRetracted();
  }
  EraseOrRetry(turn->notified);
  if (model::SteadyNow() >= retention_due_) {
    retention_due_ = model::SteadyNow() + options_.retention_interval;
    Trim();
  }
  if (turn->backup == nullptr) return;
  auto made = Guarded([&] { return MakeBackup(turn->backup->directory); });
  {
    absl::MutexLock lock(&mutex_);
    backing_up_ = false;
  }
  turn->backup->done(std::move(made));
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
  NoteTrouble(std::string(status.message()), NowMs(), &stats_.checkpoints);
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
