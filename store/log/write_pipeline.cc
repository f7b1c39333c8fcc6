#include "store/log/write_pipeline.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "model/hand_over.h"
#include "model/sync_point.h"
#include "spdlog/spdlog.h"

namespace taud::store {
namespace {

// For what others are told: whatever it throws, the thread goes on.
template <typename Work>
void Quietly(const Work& work) noexcept {
  try {
    work();
  } catch (...) {
    try {
      spdlog::error("event store: a callback or a log line failed");
    } catch (...) {
    }
  }
}

// Answers one batch of a group.
void AnswerOne(const absl::Status& status, size_t place, GroupPlan* plan,
               PendingBatch* batch) {
  if (batch->upsert_done) {
    batch->upsert_done(status.ok() ? plan->refused[place] : status);
  } else if (!status.ok() || !plan->refused[place].ok()) {
    batch->append_done(status.ok() ? plan->refused[place] : status);
  } else {
    batch->append_done(std::move(plan->results[place]));
  }
}

// Answers every batch of a group, in order of arrival. A callback that throws
// has been called; the others are called all the same.
void Answer(const absl::Status& status, GroupPlan* plan,
            std::vector<PendingBatch>* batches) {
  for (size_t b = 0; b < batches->size(); ++b) {
    Quietly([&] { AnswerOne(status, b, plan, &(*batches)[b]); });
  }
}

// Made while there is memory for it.
const absl::Status& Unapplied() {
  static const absl::Status& status = *new absl::Status(
      absl::StatusCode::kResourceExhausted,
      "the event store has written this and could not take it into memory; it "
      "reads it again before it takes more: try again, event ids make that "
      "exact");
  return status;
}

}  // namespace

absl::Status WritePipeline::Start() {
  Unapplied();
  try {
    writer_ = std::thread([this] { RunWriter(); });
    applier_ = std::thread([this] { RunApplier(); });
  } catch (const std::system_error& error) {
    queue_.Close();
    if (writer_.joinable()) writer_.join();
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start the event store's threads: ", error.what()));
  }
  queue_.Start();
  return absl::OkStatus();
}

void WritePipeline::Close() {
  queue_.Close();
  if (writer_.joinable()) writer_.join();
  {
    absl::MutexLock lock(&mutex_);
    no_more_ = true;
  }
  if (applier_.joinable()) applier_.join();
}

void WritePipeline::RunWriter() {
  std::vector<PendingBatch> batches;
  while (queue_.PopGroup(max_group_, &batches)) {
    const absl::Status status = log_->Guarded([&] {
      Process(&batches);
      return absl::OkStatus();
    });
    if (!status.ok()) {
      Quietly([&] { spdlog::error("event store: {}", status.ToString()); });
    }
    // Whoever was not answered is, by this.
    batches.clear();
  }
}

void WritePipeline::Process(std::vector<PendingBatch>* batches) {
  // Interactions, items, tasks: whatever has left the queue made room.
  if (room_) Quietly(room_);
  if (batches->empty()) return;
  if (batches->front().task != nullptr) {
    ProcessTask(&batches->front());
  } else if (batches->front().prepare != nullptr) {
    ProcessPrepared(batches);
  } else {
    ProcessGroup(std::move(*batches));
  }
}

void WritePipeline::ProcessTask(PendingBatch* batch) {
  // It may look at what was applied.
  WaitForApplier();
  SettleUnapplied();
  batch->task(log_->Guarded([this] { return log_->Ready(); }));
}

void WritePipeline::ProcessPrepared(std::vector<PendingBatch>* batches) {
  WaitForApplier();
  SettleUnapplied();
  PendingBatch& batch = batches->front();
  const absl::Status prepared = log_->Guarded([&] {
    absl::Status status = log_->Ready();
    return status.ok() ? batch.prepare(&batch.batch) : status;
  });
  batch.prepare = nullptr;
  if (prepared.ok()) {
    ProcessGroup(std::move(*batches));
  } else {
    batch.append_done(prepared);
  }
}

void WritePipeline::ProcessGroup(std::vector<PendingBatch> batches) {
  Written written;
  SettleUnapplied();
  if (log_->must_recover()) {
    WaitForApplier();
    // One that could not be applied meanwhile is read as well.
    SettleUnapplied();
  }
  written.status =
      log_->Guarded([&] { return log_->Commit(batches, &written.plan); });
  if (absl::IsDataLoss(written.status) && !log_->must_recover() &&
      batches.size() > 1) {
    // One of them asked for what is damaged. The others are not to suffer.
    for (PendingBatch& batch : batches) {
      std::vector<PendingBatch> alone;
      alone.push_back(std::move(batch));
      ProcessGroup(std::move(alone));
    }
    return;
  }
  written.batches = std::move(batches);
  HandOver(std::move(written));
}

void WritePipeline::HandOver(Written written) {
  // With nothing else to write the writer applies the group itself, which
  // saves the way to another thread.
  const bool alone = queue_.queued() == 0;
  {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return written_.size() < kMaxWritten;
    };
    mutex_.Await(absl::Condition(&room));
    if (!alone || applying_ || !written_.empty()) {
      written_.push_back(std::move(written));
      return;
    }
  }
  Apply(&written);
}

void WritePipeline::RunApplier() {
  while (true) {
    Written written;
    {
      absl::MutexLock lock(&mutex_);
      applying_ = false;
      const auto work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return !written_.empty() || no_more_;
      };
      mutex_.Await(absl::Condition(&work));
      if (written_.empty()) return;
      written = std::move(written_.front());
      written_.erase(written_.begin());
      applying_ = true;
    }
    Apply(&written);
  }
}

void WritePipeline::WaitForApplier() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return written_.empty() && !applying_;
  };
  mutex_.Await(absl::Condition(&idle));
}

// What is queued behind an unapplied group is answered, too, before this ends.
void WritePipeline::SettleUnapplied() {
  {
    absl::MutexLock lock(&mutex_);
    if (!unapplied_) return;
  }
  WaitForApplier();
  log_->MustRecover();
  absl::MutexLock lock(&mutex_);
  unapplied_ = false;
}

void WritePipeline::Apply(Written* written) {
  if (written->status.ok()) written->status = ApplyGuarded(written->plan);
  Quietly([&] { CountGroup(*written); });
  TAUD_SYNC_POINT("log/before-ack");
  Answer(written->status, &written->plan, &written->batches);
}

absl::Status WritePipeline::ApplyGuarded(const GroupPlan& plan) {
  {
    // Duplicates, too: the first of them may be what is missing.
    absl::MutexLock lock(&mutex_);
    if (unapplied_) return Unapplied();
  }
  try {
    TAUD_SYNC_POINT("log/applying");
    ApplyEvents(plan, state_);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    NoteUnapplied(error.what());
  } catch (...) {
    NoteUnapplied("something that is no exception");
  }
  return Unapplied();
}

void WritePipeline::NoteUnapplied(const char* why) {
  {
    absl::MutexLock lock(&mutex_);
    unapplied_ = true;
  }
  Quietly([&] {
    spdlog::error("event store: what was written could not be applied: {}",
                  why);
    stats_->NoteWritable(Unapplied());
  });
}

void WritePipeline::CountGroup(const Written& written) {
  if (!written.status.ok()) {
    spdlog::error("event store: {}", written.status.ToString());
    stats_->Update([](EventStore::Stats* stats) { ++stats->write_errors; });
    return;
  }
  stats_->Update([&](EventStore::Stats* stats) {
    stats->appended += written.plan.events.size();
    stats->duplicates += written.plan.duplicates;
    stats->last_sequence =
        std::max(stats->last_sequence, written.plan.last_sequence);
  });
}

absl::Status WritePipeline::Run(std::function<absl::Status()> work) {
  return model::HandOverAndWait([&](auto answer) {
    PendingBatch batch;
    batch.task = [this, &work, answer = std::move(answer)](absl::Status ready) {
      (*answer)(ready.ok() ? log_->Guarded(work) : std::move(ready));
    };
    return queue_.Push(&batch);
  });
}

}  // namespace taud::store
