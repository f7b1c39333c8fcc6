#include "store/event_store.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "spdlog/spdlog.h"
#include "store/batch_queue.h"
#include "store/event_db.h"
#include "store/group.h"
#include "store/validation.h"

namespace taud::store {
namespace {

// Events between two calls of a replay's progress.
constexpr uint64_t kProgressEvery = 65536;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::Status CheckEmpty(const model::State& state) {
  if (state.users.size() == 0 && state.items.size() == 0 &&
      state.interactions.size() == 0 && state.catalogue.num_records() == 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "the state given to EventStore::Open is not empty");
}

// Answers every batch of a group, in order of arrival.
void Answer(const absl::Status& status, GroupPlan* plan,
            std::vector<PendingBatch>* batches) {
  for (size_t b = 0; b < batches->size(); ++b) {
    PendingBatch& batch = (*batches)[b];
    if (batch.upsert_done) {
      batch.upsert_done(status);
    } else if (!status.ok()) {
      batch.append_done(status);
    } else {
      batch.append_done(std::move(plan->results[b]));
    }
  }
}

}  // namespace

class EventStore::Impl {
 public:
  Impl(const Options& options, model::State* state, std::unique_ptr<EventDb> db)
      : options_(options),
        state_(state),
        db_(std::move(db)),
        queue_(options.max_queued) {}

  ~Impl() { Close(); }

  // Brings *state_ up to the database, but for events.
  absl::Status Load();
  // Applies the events after last_sequence_.
  absl::Status ApplyLog(
      const std::function<void(uint64_t events, uint64_t last)>& progress);

  absl::Status Replay(
      const std::function<void(uint64_t events, uint64_t last)>& progress);
  absl::Status Push(PendingBatch batch) { return queue_.Push(&batch); }
  void Close();
  Stats stats() const;

 private:
  enum class Phase { kOpened, kAccepting, kClosed };

  absl::Status StartWriter();
  void RunWriter();
  void ProcessGroup(std::vector<PendingBatch>* batches);
  // Writes and applies; on error nothing was applied.
  absl::Status Commit(const std::vector<PendingBatch>& batches,
                      GroupPlan* plan);
  absl::Status Write(const GroupPlan& plan);
  absl::Status Recover();
  void CountGroup(const absl::Status& status, const GroupPlan& plan);

  // Constant after construction.
  const Options options_;
  model::State* const state_;

  // The owner's thread's until Replay starts the writer, then the writer's
  // until Close has joined it.
  std::unique_ptr<EventDb> db_;
  model::Sequence last_sequence_ = 0;  // given so far
  bool write_failed_ = false;          // the database must be reopened

  // The owner's thread's.
  Phase phase_ = Phase::kOpened;
  std::thread writer_;

  // Internally synchronised.
  BatchQueue queue_;

  mutable absl::Mutex mutex_;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

absl::Status EventStore::Impl::Load() {
  absl::Status status = db_->LoadNames(Family::kUsers, &state_->users);
  if (status.ok()) status = db_->LoadNames(Family::kItems, &state_->items);
  if (status.ok()) {
    status = db_->LoadCatalogue(state_->items.size(), &state_->catalogue);
  }
  return status;
}

absl::Status EventStore::Impl::ApplyLog(
    const std::function<void(uint64_t events, uint64_t last)>& progress) {
  const absl::StatusOr<model::Sequence> given = db_->LastSequence();
  if (!given.ok()) return given.status();
  uint64_t events = 0;
  // last_sequence_ follows every event, so that a scan that fails on the way
  // can be taken up again.
  absl::Status status = db_->ForEachEvent(
      last_sequence_, state_->users.size(), state_->items.size(),
      [&](const model::Interaction& event) {
        state_->interactions.Append(event);
        last_sequence_ = event.sequence;
        if (++events % kProgressEvery == 0 && progress) {
          progress(events, *given);
        }
      });
  if (!status.ok()) return status;
  // The last events may be gone, their numbers are not given again.
  last_sequence_ = std::max(last_sequence_, *given);
  if (progress) progress(events, last_sequence_);
  absl::MutexLock lock(&mutex_);
  stats_.last_sequence = last_sequence_;
  return absl::OkStatus();
}

absl::Status EventStore::Impl::Replay(
    const std::function<void(uint64_t events, uint64_t last)>& progress) {
  if (phase_ != Phase::kOpened) {
    return absl::FailedPreconditionError(
        "the event log can be replayed once, before Close");
  }
  absl::Status status = ApplyLog(progress);
  if (status.ok()) status = StartWriter();
  if (!status.ok()) return status;
  phase_ = Phase::kAccepting;
  queue_.Start();
  return absl::OkStatus();
}

absl::Status EventStore::Impl::StartWriter() {
  try {
    writer_ = std::thread([this] { RunWriter(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot start the event store's writer thread: ", error.what()));
  }
  return absl::OkStatus();
}

void EventStore::Impl::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  queue_.Close();
  if (writer_.joinable()) writer_.join();
  db_.reset();
}

EventStore::Stats EventStore::Impl::stats() const {
  const size_t queued = queue_.queued();
  absl::MutexLock lock(&mutex_);
  Stats stats = stats_;
  stats.queued = queued;
  return stats;
}

void EventStore::Impl::RunWriter() {
  std::vector<PendingBatch> batches;
  while (queue_.PopGroup(options_.max_group, &batches)) {
    ProcessGroup(&batches);
  }
}

void EventStore::Impl::ProcessGroup(std::vector<PendingBatch>* batches) {
  GroupPlan plan;
  const absl::Status status = Commit(*batches, &plan);
  CountGroup(status, plan);
  Answer(status, &plan, batches);
}

absl::Status EventStore::Impl::Commit(const std::vector<PendingBatch>& batches,
                                      GroupPlan* plan) {
  if (write_failed_) {
    absl::Status status = Recover();
    if (!status.ok()) return status;
  }
  const absl::StatusOr<std::vector<model::Sequence>> known =
      db_->FindEventIds(EventIdsOf(batches));
  if (!known.ok()) return known.status();
  *plan =
      PlanGroup(batches, *known, last_sequence_, state_->users, state_->items);
  if (plan->empty()) return absl::OkStatus();
  absl::Status status = Write(*plan);
  if (!status.ok()) {
    write_failed_ = true;
    return status;
  }
  ApplyGroup(*plan, state_);
  last_sequence_ = plan->last_sequence;
  return absl::OkStatus();
}

absl::Status EventStore::Impl::Write(const GroupPlan& plan) {
  const Clock::time_point start = Clock::now();
  absl::Status status = db_->Write(plan);
  const double seconds = SecondsSince(start);
  absl::MutexLock lock(&mutex_);
  stats_.last_sync_seconds = seconds;
  if (status.ok()) ++stats_.groups;
  return status;
}

// A write that failed may still have reached the log. Reading the log again
// settles it: what is there now is durable and is applied like at a start.
absl::Status EventStore::Impl::Recover() {
  const model::Sequence before = last_sequence_;
  absl::Status status = db_->Reopen();
  if (status.ok()) status = Load();
  if (status.ok()) status = ApplyLog(nullptr);
  if (!status.ok()) return status;
  write_failed_ = false;
  spdlog::warn(
      "event store: reopened after a failed write, {} interactions of it were "
      "in the log",
      last_sequence_ - before);
  return absl::OkStatus();
}

void EventStore::Impl::CountGroup(const absl::Status& status,
                                  const GroupPlan& plan) {
  if (!status.ok()) {
    spdlog::error("event store: {}", status.ToString());
    absl::MutexLock lock(&mutex_);
    ++stats_.write_errors;
    return;
  }
  absl::MutexLock lock(&mutex_);
  stats_.appended += plan.events.size();
  stats_.duplicates += plan.duplicates;
  stats_.last_sequence = last_sequence_;
}

absl::StatusOr<std::unique_ptr<EventStore>> EventStore::Open(
    const Options& options, model::State* state) {
  absl::Status status = CheckEmpty(*state);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<EventDb>> db =
      EventDb::Open(options.directory, options.env);
  if (!db.ok()) return db.status();
  auto impl = std::make_unique<Impl>(options, state, *std::move(db));
  status = impl->Load();
  if (!status.ok()) return status;
  return std::unique_ptr<EventStore>(new EventStore(std::move(impl)));
}

EventStore::EventStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventStore::~EventStore() = default;

absl::Status EventStore::Replay(
    const std::function<void(uint64_t events, uint64_t last)>& progress) {
  return impl_->Replay(progress);
}

absl::Status EventStore::Append(std::vector<NewInteraction> batch,
                                AppendDone done) {
  absl::Status status = CheckInteractions(batch);
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.interactions = std::move(batch);
  pending.append_done = std::move(done);
  return impl_->Push(std::move(pending));
}

absl::Status EventStore::UpsertItems(std::vector<NewItem> batch,
                                     UpsertDone done) {
  absl::Status status = CheckItems(batch);
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.items = std::move(batch);
  pending.upsert_done = std::move(done);
  return impl_->Push(std::move(pending));
}

void EventStore::Close() { impl_->Close(); }

EventStore::Stats EventStore::stats() const { return impl_->stats(); }

}  // namespace taud::store
