#include "store/log/event_store.h"

#include <memory>
#include <new>
#include <utility>

#include "store/files/free_space.h"
#include "store/log/default_environment.h"
#include "store/log/event_db.h"
#include "store/log/group.h"
#include "store/log/log_upkeep.h"
#include "store/log/log_writer.h"
#include "store/log/store_stats.h"
#include "store/log/validation.h"
#include "store/log/write_pipeline.h"

namespace taud::store {
namespace {

absl::Status CheckEmpty(const model::State& state) {
  if (state.users.size() == 0 && state.items.size() == 0 &&
      state.interactions.size() == 0 && state.catalogue.num_records() == 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "the state given to EventStore::Open is not empty");
}

// The edge towards callers: what throws takes nothing, as an error does.
template <typename Work>
absl::Status Caught(const Work& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "no memory");
  } catch (...) {
    return absl::Status(absl::StatusCode::kInternal, "an error was thrown");
  }
}

}  // namespace

// The parts and their order: what stands above is used by what stands below.
class EventStore::Impl {
 public:
  Impl(const Options& options, model::State* state, std::unique_ptr<EventDb> db)
      : options_(options),
        db_(std::move(db)),
        log_(options, state, db_.get(), &stats_),
        pipeline_(options, state, &log_, &stats_),
        upkeep_(state, db_.get(), &log_, &pipeline_, &stats_) {}

  ~Impl() { Close(); }

  void SetListener(Listener listener) {
    log_.set_erasure_found(std::move(listener.erasure_found));
    pipeline_.set_room(std::move(listener.room));
  }
  absl::Status Replay(const ReplayProgress& progress);
  // A full disk refuses what a client sends.
  absl::Status Push(PendingBatch* batch);
  // For a task: a full disk does not stop what frees it.
  absl::Status PushTask(absl::AnyInvocable<void(absl::Status)> task);
  absl::Status Retract(std::vector<Retraction> retractions, RetractDone done);
  absl::Status FindStream(const std::string& stream_id, StreamDone done);
  absl::Status Erase(ErasureSubject subject, const std::string& id,
                     const std::string& erasure_id, EraseDone done);
  absl::Status CheckWritable();
  void Close();
  Stats stats() const;

  EventDb& db() { return *db_; }
  LogWriter& log() { return log_; }
  LogUpkeep& upkeep() { return upkeep_; }

 private:
  enum class Phase { kOpened, kAccepting, kClosed };

  absl::Status CheckSpace() const;

  const Options options_;
  StoreStats stats_;
  const std::unique_ptr<EventDb> db_;
  LogWriter log_;
  WritePipeline pipeline_;
  LogUpkeep upkeep_;
  Phase phase_ = Phase::kOpened;  // the owner's thread's
};

absl::Status EventStore::Impl::Replay(const ReplayProgress& progress) {
  if (phase_ != Phase::kOpened) {
    return absl::FailedPreconditionError(
        "the event log can be replayed once, before Close");
  }
  absl::Status status = log_.Guarded([&] { return log_.ApplyLog(progress); });
  // Known at the start, not when a client's write comes upon it.
  if (status.ok()) status = db_->VerifyIdTables();
  if (status.ok()) status = pipeline_.Start();
  if (!status.ok()) return status;
  phase_ = Phase::kAccepting;
  return absl::OkStatus();
}

void EventStore::Impl::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  pipeline_.Close();
  db_->Close();
}

EventStore::Stats EventStore::Impl::stats() const {
  Stats stats = stats_.Get();
  stats.queued = pipeline_.queued();
  stats.queued_bytes = pipeline_.queued_bytes();
  return stats;
}

absl::Status EventStore::Impl::Push(PendingBatch* batch) {
  return Caught([&] {
    absl::Status status = CheckSpace();
    if (!status.ok()) {
      stats_.NoteWritable(status);
      return status;
    }
    return pipeline_.Push(batch);
  });
}

absl::Status EventStore::Impl::PushTask(
    absl::AnyInvocable<void(absl::Status)> task) {
  PendingBatch batch;
  batch.task = std::move(task);
  return pipeline_.Push(&batch);
}

absl::Status EventStore::Impl::CheckWritable() {
  // The task is told whether the database could be opened again.
  absl::Status status = pipeline_.Run([] { return absl::OkStatus(); });
  if (status.ok()) status = CheckSpace();
  stats_.NoteWritable(status);
  return status;
}

absl::Status EventStore::Impl::CheckSpace() const {
  if (options_.free_bytes) {
    return DecideFreeSpace(options_.directory, options_.free_bytes(),
                           options_.min_free_bytes);
  }
  return CheckFreeSpace(options_.directory, options_.min_free_bytes);
}

absl::Status EventStore::Impl::Retract(std::vector<Retraction> retractions,
                                       RetractDone done) {
  const auto plan = std::make_shared<RetractionPlan>();
  PendingBatch batch;
  batch.prepare = [this, plan, retractions = std::move(retractions)](
                      Batch* to) -> absl::Status {
    auto planned = log_.PlanToRetract(retractions);
    if (!planned.ok()) return planned.status();
    *plan = *std::move(planned);
    to->interactions = std::move(plan->interactions);
    return absl::OkStatus();
  };
  batch.append_done =
      AppendDone([plan, done = std::move(done)](
                     absl::StatusOr<std::vector<Appended>> appended) {
        if (!appended.ok()) return done(appended.status());
        Retracted retracted;
        for (const size_t last : plan->last_of) {
          retracted.sequences.push_back((*appended)[last].sequence);
        }
        retracted.interactions = plan->taken_back;
        done(std::move(retracted));
      });
  absl::Status status = Caught([&] { return pipeline_.Push(&batch); });
  if (!status.ok()) batch.append_done.Dismiss();
  return status;
}

absl::Status EventStore::Impl::FindStream(const std::string& stream_id,
                                          StreamDone done) {
  using Answer = model::AnswerOnce<absl::StatusOr<StreamPosition>>;
  // Shared, so that it can be called off if the task is not taken.
  const auto answer = std::make_shared<Answer>(std::move(done));
  absl::Status status = Caught([&] {
    return PushTask([this, stream_id, answer](absl::Status ready) {
      if (!ready.ok()) return (*answer)(std::move(ready));
      (*answer)(log_.Guarded([&] { return log_.FindStream(stream_id); }));
    });
  });
  if (!status.ok()) answer->Dismiss();
  return status;
}

absl::Status EventStore::Impl::Erase(ErasureSubject subject,
                                     const std::string& id,
                                     const std::string& erasure_id,
                                     EraseDone done) {
  using Answer = model::AnswerOnce<absl::StatusOr<Erasure>>;
  const auto answer = std::make_shared<Answer>(std::move(done));
  absl::Status status = Caught([&] {
    return PushTask([this, subject, id, erasure_id,
                     answer](absl::Status ready) {
      if (!ready.ok()) return (*answer)(std::move(ready));
      (*answer)(
          log_.Guarded([&] { return log_.Erase(subject, id, erasure_id); }));
    });
  });
  if (!status.ok()) answer->Dismiss();
  return status;
}

absl::StatusOr<std::unique_ptr<EventStore>> EventStore::Open(
    const Options& options, model::State* state) {
  absl::Status status = CheckEmpty(*state);
  if (!status.ok()) return status;
  Options resolved = options;
  if (resolved.env == nullptr) resolved.env = DefaultEnvironment();
  absl::StatusOr<std::unique_ptr<EventDb>> db =
      EventDb::Open(resolved.directory, resolved.env, resolved.format_found);
  if (!db.ok()) return db.status();
  auto impl = std::make_unique<Impl>(resolved, state, *std::move(db));
  status = impl->log().Guarded([&] { return impl->log().Load(); });
  if (!status.ok()) return status;
  return std::unique_ptr<EventStore>(new EventStore(std::move(impl)));
}

void EventStore::SetListener(Listener listener) {
  impl_->SetListener(std::move(listener));
}

EventStore::EventStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventStore::~EventStore() = default;

absl::Status EventStore::Replay(const ReplayProgress& progress) {
  return impl_->Replay(progress);
}

absl::Status EventStore::TryAppend(Batch* batch, AppendDone done) {
  absl::Status status = Caught([batch] {
    absl::Status checked = CheckInteractions(batch->interactions);
    if (checked.ok() && !batch->stream_id.empty()) {
      checked = CheckId("stream_id", batch->stream_id);
    }
    return checked;
  });
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.batch = std::move(*batch);
  pending.append_done = std::move(done);
  status = impl_->Push(&pending);
  if (!status.ok()) {
    pending.append_done.Dismiss();
    *batch = std::move(pending.batch);
  }
  return status;
}

absl::Status EventStore::Append(std::vector<NewInteraction> interactions,
                                AppendDone done) {
  Batch batch;
  batch.interactions = std::move(interactions);
  return TryAppend(&batch, std::move(done));
}

absl::Status EventStore::UpsertItems(std::vector<NewItem> batch,
                                     UpsertDone done) {
  absl::Status status = CheckItems(batch);
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.items = std::move(batch);
  pending.upsert_done = std::move(done);
  status = impl_->Push(&pending);
  if (!status.ok()) pending.upsert_done.Dismiss();
  return status;
}

absl::Status EventStore::UpsertUsers(std::vector<NewUser> batch,
                                     UpsertDone done) {
  absl::Status status = CheckUsers(batch);
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.users = std::move(batch);
  pending.upsert_done = std::move(done);
  status = impl_->Push(&pending);
  if (!status.ok()) pending.upsert_done.Dismiss();
  return status;
}

absl::Status EventStore::Retract(std::vector<Retraction> retractions,
                                 RetractDone done) {
  return impl_->Retract(std::move(retractions), std::move(done));
}

absl::StatusOr<model::Sequence> EventStore::PurgeRetracted(
    model::Sequence needed) {
  return impl_->upkeep().PurgeRetracted(needed);
}

absl::Status EventStore::FindStream(const std::string& stream_id,
                                    StreamDone done) {
  absl::Status status = CheckId("stream_id", stream_id);
  if (!status.ok()) return status;
  return impl_->FindStream(stream_id, std::move(done));
}

absl::Status EventStore::Erase(ErasureSubject subject, const std::string& id,
                               const std::string& erasure_id, EraseDone done) {
  absl::Status status = CheckId("id", id);
  if (status.ok() && !erasure_id.empty()) {
    status = CheckId("erasure_id", erasure_id);
  }
  if (!status.ok()) return status;
  return impl_->Erase(subject, id, erasure_id, std::move(done));
}

std::vector<Erasure> EventStore::PendingErasures() const {
  return impl_->log().PendingErasures();
}

absl::StatusOr<Erasure> EventStore::FindErasure(
    const std::string& erasure_id) const {
  return impl_->log().FindErasure(erasure_id);
}

absl::Status EventStore::EraseFromLog(std::vector<Erasure>* erasures) {
  return impl_->upkeep().EraseFromLog(erasures);
}

absl::Status EventStore::WriteReceipts(const std::vector<Erasure>& erasures) {
  return impl_->upkeep().WriteReceipts(erasures);
}

absl::StatusOr<model::Sequence> EventStore::Trim(const Retention& retention,
                                                 model::Sequence needed) {
  return impl_->upkeep().Trim(retention, needed);
}

absl::Status EventStore::CheckWritable() { return impl_->CheckWritable(); }

absl::Status EventStore::CopyTo(const std::string& directory) {
  return impl_->db().CopyTo(directory);
}

void EventStore::StopCopies(bool stop) { impl_->db().StopCopies(stop); }

void EventStore::Close() { impl_->Close(); }

model::Sequence EventStore::log_end() const { return impl_->log().log_end(); }

EventStore::Stats EventStore::stats() const { return impl_->stats(); }

}  // namespace taud::store
