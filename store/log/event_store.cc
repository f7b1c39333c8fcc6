#include "store/log/event_store.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "model/sync_point.h"
#include "rocksdb/env.h"
#include "spdlog/spdlog.h"
#include "store/files/free_space.h"
#include "store/log/batch_queue.h"
#include "store/log/default_environment.h"
#include "store/log/erasure_receipts.h"
#include "store/log/event_db.h"
#include "store/log/group.h"
#include "store/log/store_clock.h"
#include "store/log/validation.h"

namespace taud::store {
namespace {

// Events applied together, and between two calls of a replay's progress.
constexpr size_t kReplayBlock = 65536;
// Erased events deleted in one write: acknowledgements wait for no more.
constexpr size_t kPurgedPerWrite = 4096;

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
      batch.upsert_done(status.ok() ? plan->refused[b] : status);
    } else if (!status.ok()) {
      batch.append_done(status);
    } else {
      batch.append_done(std::move(plan->results[b]));
    }
  }
}

std::string RandomId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  }
  return id;
}

absl::Status UnknownErasure(const std::string& id) {
  return absl::NotFoundError(
      absl::StrCat("erasure_id: no erasure \"", absl::CHexEscape(id), "\""));
}

}  // namespace

class EventStore::Impl {
 public:
  Impl(const Options& options, model::State* state, std::unique_ptr<EventDb> db)
      : options_(options),
        env_(options.env),
        state_(state),
        db_(std::move(db)),
        write_failed_(!db_->can_write()),
        queue_(options.max_queued, options.max_queued_bytes) {}

  ~Impl() { Close(); }

  // Brings *state_ up to the database, but for events.
  absl::Status Load();
  // Applies the events after last_sequence_.
  absl::Status ApplyLog(
      const std::function<void(uint64_t events, uint64_t last)>& progress);

  void SetListener(Listener listener) { listener_ = std::move(listener); }
  absl::Status Replay(
      const std::function<void(uint64_t events, uint64_t last)>& progress);
  absl::Status Push(PendingBatch* batch);
  absl::Status FindStream(const std::string& stream_id, StreamDone done);
  absl::Status Erase(ErasureSubject subject, const std::string& id,
                     const std::string& erasure_id, EraseDone done);
  std::vector<Erasure> PendingErasures() const;
  absl::StatusOr<Erasure> FindErasure(const std::string& erasure_id) const;
  absl::Status EraseFromLog(std::vector<Erasure>* erasures);
  absl::Status WriteReceipts(const std::vector<Erasure>& erasures);
  absl::StatusOr<model::Sequence> Trim(const Retention& retention,
                                       model::Sequence needed);
  absl::Status CheckWritable();
  absl::Status CopyTo(const std::string& directory) {
    return db_->CopyTo(directory);
  }
  void StopCopies(bool stop) { db_->StopCopies(stop); }
  void Close();
  Stats stats() const;
  model::Sequence log_end() const {
    absl::MutexLock lock(&mutex_);
    return log_end_;
  }

 private:
  enum class Phase { kOpened, kAccepting, kClosed };

  // A group on its way from the writer to the applier.
  struct Written {
    absl::Status status;
    std::vector<PendingBatch> batches;
    GroupPlan plan;
  };
  static constexpr size_t kMaxWritten = 2;

  absl::Status StartThreads();
  // The edge of the writer's thread: for want of memory one thing fails, and
  // whoever asked for it is told. Wherever it was, reading the log again
  // settles what of it is there, and brings the memory up to that.
  template <typename Work>
  auto Guarded(const Work& work) -> decltype(work()) {
    try {
      return work();
    } catch (const std::exception& error) {
      write_failed_ = true;
      return absl::ResourceExhaustedError(absl::StrCat(
          "the event store could not go on: ", error.what(), "; try again"));
    }
  }
  void RunWriter();
  void RunApplier();
  void ProcessGroup(std::vector<PendingBatch> batches);
  // Writes, and makes the ids known; on error nothing has changed.
  absl::Status Commit(const std::vector<PendingBatch>& batches,
                      GroupPlan* plan);
  absl::Status Write(const GroupPlan& plan);
  void HandOver(Written written);
  void Apply(Written* written);
  void WaitForApplier();
  absl::Status RecoverIfNeeded();
  absl::Status Recover();
  absl::StatusOr<Erasure> EraseNow(ErasureSubject subject,
                                   const std::string& id,
                                   const std::string& erasure_id);
  // Takes the erasure's id away in memory. Idempotent.
  void ApplyErasure(const Erasure& erasure);
  // Runs `work` on the writer's thread, between groups, and waits for it.
  absl::Status RunOnWriter(std::function<absl::Status()> work);
  absl::Status CheckSpace() const;
  // Remembers whether writes are refused, and says so when that changes.
  void NoteWritable(const absl::Status& status);
  int64_t Now();
  void CountGroup(const Written& written);

  // Constant after construction.
  const Options options_;
  rocksdb::Env* const env_;
  model::State* const state_;
  Listener listener_;  // constant from Replay on
  // The pointer; the object is the owner's thread's until Replay starts the
  // writer, then the writer's until Close has joined it, but for its upkeep.
  const std::unique_ptr<EventDb> db_;

  // The owner's thread's, then the writer's, as db_.
  model::Sequence last_sequence_ = 0;  // given so far
  bool write_failed_;                  // the database must be reopened
  int64_t clock_ms_ = 0;               // AdvanceStoreClock's last
  int64_t clock_steady_ms_ = -1;       // when that was; -1: not yet

  // The owner's thread's.
  Phase phase_ = Phase::kOpened;
  std::thread writer_;
  std::thread applier_;

  // Internally synchronised.
  BatchQueue queue_;

  mutable absl::Mutex mutex_;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  ErasureReceipts erasures_ ABSL_GUARDED_BY(mutex_);
  model::Sequence log_end_ ABSL_GUARDED_BY(mutex_) = 0;

  mutable absl::Mutex applier_mutex_;
  std::deque<Written> written_ ABSL_GUARDED_BY(applier_mutex_);
  bool applying_ ABSL_GUARDED_BY(applier_mutex_) = false;
  bool no_more_ ABSL_GUARDED_BY(applier_mutex_) = false;
};

absl::Status EventStore::Impl::Load() {
  absl::Status status = db_->LoadNames(Family::kUsers, &state_->users);
  if (status.ok()) status = db_->LoadNames(Family::kItems, &state_->items);
  if (status.ok()) {
    status = db_->LoadCatalogue(state_->items.size(), &state_->catalogue);
  }
  if (status.ok()) {
    status =
        db_->LoadUserProperties(state_->users.size(), &state_->user_properties);
  }
  if (!status.ok()) return status;
  auto erasures = db_->LoadErasures();
  if (!erasures.ok()) return erasures.status();
  // A write that seemed to fail may have taken an id away.
  for (const Erasure& erasure : *erasures) ApplyErasure(erasure);
  const absl::StatusOr<model::Sequence> last = db_->LastSequence();
  if (!last.ok()) return last.status();
  absl::MutexLock lock(&mutex_);
  for (const Erasure& erasure : *erasures) erasures_.Put(erasure);
  log_end_ = std::max(log_end_, *last);
  return absl::OkStatus();
}

absl::Status EventStore::Impl::ApplyLog(
    const std::function<void(uint64_t events, uint64_t last)>& progress) {
  const absl::StatusOr<model::Sequence> given = db_->LastSequence();
  if (!given.ok()) return given.status();
  const absl::StatusOr<int64_t> time = db_->LastTimeMs();
  if (!time.ok()) return time.status();
  clock_ms_ = std::max(clock_ms_, *time);
  const std::vector<uint32_t> users = state_->users.Erased();
  const std::vector<uint32_t> items = state_->items.Erased();
  const absl::flat_hash_set<uint32_t> no_users(users.begin(), users.end());
  const absl::flat_hash_set<uint32_t> no_items(items.begin(), items.end());
  uint64_t events = 0;
  std::vector<model::Interaction> block;
  block.reserve(kReplayBlock);
  // last_sequence_ follows every block, so that a scan that fails on the way
  // can be taken up again.
  const auto apply = [&] {
    if (block.empty()) return;
    state_->interactions.AppendAll(block);
    last_sequence_ = block.back().sequence;
    events += block.size();
    block.clear();
    if (progress) progress(events, *given);
  };
  absl::Status status = db_->ForEachEvent(
      last_sequence_, state_->users.size(), state_->items.size(),
      [&](const model::Interaction& event, std::string_view) {
        // Of an erasure that a kill interrupted.
        if (no_users.contains(event.user) || no_items.contains(event.item)) {
          return;
        }
        block.push_back(event);
        if (block.size() == kReplayBlock) apply();
      });
  apply();
  if (!status.ok()) return status;
  // The last events may be gone, their numbers are not given again.
  last_sequence_ = std::max(last_sequence_, *given);
  state_->interactions.AdvanceThrough(last_sequence_);
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
  // Known at the start, not when a client's write comes upon it.
  if (status.ok()) status = db_->VerifyIdTables();
  if (status.ok()) status = StartThreads();
  if (!status.ok()) return status;
  phase_ = Phase::kAccepting;
  queue_.Start();
  return absl::OkStatus();
}

absl::Status EventStore::Impl::StartThreads() {
  try {
    writer_ = std::thread([this] { RunWriter(); });
    applier_ = std::thread([this] { RunApplier(); });
  } catch (const std::system_error& error) {
    queue_.Close();
    if (writer_.joinable()) writer_.join();
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start the event store's threads: ", error.what()));
  }
  return absl::OkStatus();
}

void EventStore::Impl::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  queue_.Close();
  if (writer_.joinable()) writer_.join();
  {
    absl::MutexLock lock(&applier_mutex_);
    no_more_ = true;
  }
  if (applier_.joinable()) applier_.join();
  db_->Close();
}

EventStore::Stats EventStore::Impl::stats() const {
  const size_t queued = queue_.queued();
  const size_t bytes = queue_.queued_bytes();
  absl::MutexLock lock(&mutex_);
  Stats stats = stats_;
  stats.queued = queued;
  stats.queued_bytes = bytes;
  return stats;
}

absl::Status EventStore::Impl::Push(PendingBatch* batch) {
  if (batch->task == nullptr) {
    absl::Status status = CheckSpace();
    if (!status.ok()) {
      NoteWritable(status);
      return status;
    }
  }
  return queue_.Push(batch);
}

void EventStore::Impl::NoteWritable(const absl::Status& status) {
  const std::string now(status.message());
  {
    absl::MutexLock lock(&mutex_);
    const bool changed = stats_.refusing.empty() != now.empty();
    stats_.refusing = now;
    if (!changed) return;
  }
  if (status.ok()) {
    spdlog::warn("event store: interactions are taken again");
  } else {
    spdlog::error("event store: interactions are refused: {}", now);
  }
}

absl::Status EventStore::Impl::CheckWritable() {
  // The task is told whether the database could be opened again.
  absl::Status status = RunOnWriter([] { return absl::OkStatus(); });
  if (status.ok()) status = CheckSpace();
  NoteWritable(status);
  return status;
}

absl::Status EventStore::Impl::CheckSpace() const {
  if (options_.free_bytes) {
    return DecideFreeSpace(options_.directory, options_.free_bytes(),
                           options_.min_free_bytes);
  }
  return CheckFreeSpace(options_.directory, options_.min_free_bytes);
}

void EventStore::Impl::RunWriter() {
  std::vector<PendingBatch> batches;
  while (queue_.PopGroup(options_.max_group, &batches)) {
    // Interactions, items, tasks: whatever has left the queue made room.
    if (listener_.room) listener_.room();
    if (batches.front().task != nullptr) {
      // It may look at what was applied.
      WaitForApplier();
      batches.front().task(Guarded([this] { return RecoverIfNeeded(); }));
      batches.clear();
    } else {
      ProcessGroup(std::move(batches));
      batches = {};
    }
  }
}

void EventStore::Impl::ProcessGroup(std::vector<PendingBatch> batches) {
  Written written;
  written.status = Guarded([&] { return Commit(batches, &written.plan); });
  if (absl::IsDataLoss(written.status) && !write_failed_ &&
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

void EventStore::Impl::HandOver(Written written) {
  // With nothing else to write the writer applies the group itself, which
  // saves the way to another thread.
  const bool alone = queue_.queued() == 0;
  {
    absl::MutexLock lock(&applier_mutex_);
    const auto room = [this]() ABSL_SHARED_LOCKS_REQUIRED(applier_mutex_) {
      return written_.size() < kMaxWritten;
    };
    applier_mutex_.Await(absl::Condition(&room));
    if (!alone || applying_ || !written_.empty()) {
      written_.push_back(std::move(written));
      return;
    }
  }
  Apply(&written);
}

void EventStore::Impl::RunApplier() {
  while (true) {
    Written written;
    {
      absl::MutexLock lock(&applier_mutex_);
      applying_ = false;
      const auto work = [this]() ABSL_SHARED_LOCKS_REQUIRED(applier_mutex_) {
        return !written_.empty() || no_more_;
      };
      applier_mutex_.Await(absl::Condition(&work));
      if (written_.empty()) return;
      written = std::move(written_.front());
      written_.pop_front();
      applying_ = true;
    }
    Apply(&written);
  }
}

void EventStore::Impl::WaitForApplier() {
  absl::MutexLock lock(&applier_mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(applier_mutex_) {
    return written_.empty() && !applying_;
  };
  applier_mutex_.Await(absl::Condition(&idle));
}

void EventStore::Impl::Apply(Written* written) {
  if (written->status.ok()) ApplyEvents(written->plan, state_);
  CountGroup(*written);
  TAUD_SYNC_POINT("log/before-ack");
  Answer(written->status, &written->plan, &written->batches);
}

absl::Status EventStore::Impl::Commit(const std::vector<PendingBatch>& batches,
                                      GroupPlan* plan) {
  absl::Status status = RecoverIfNeeded();
  if (!status.ok()) {
    NoteWritable(status);
    return status;
  }
  const int64_t cutoff = CutoffMs(Now(), options_.dedup_window_ms);
  db_->SetExpiry(cutoff);
  const absl::StatusOr<KnownIds> known =
      db_->FindIds(EventIdsOf(batches), StreamsOf(batches), cutoff);
  if (!known.ok()) return known.status();
  *plan = PlanGroup(batches, known->sequences, last_sequence_, *state_,
                    known->streams);
  if (plan->empty()) return absl::OkStatus();
  status = Write(*plan);
  NoteWritable(status);
  if (!status.ok()) {
    write_failed_ = true;
    return status;
  }
  ApplyIds(*plan, state_);
  last_sequence_ = plan->last_sequence;
  return absl::OkStatus();
}

absl::Status EventStore::Impl::Write(const GroupPlan& plan) {
  const Clock::time_point start = Clock::now();
  absl::Status status = db_->Write(plan, clock_ms_);
  const double seconds = SecondsSince(start);
  absl::MutexLock lock(&mutex_);
  stats_.last_sync_seconds = seconds;
  if (status.ok()) ++stats_.groups;
  return status;
}

int64_t EventStore::Impl::Now() {
  const auto wall = static_cast<int64_t>(env_->NowMicros() / 1000);
  const auto steady = static_cast<int64_t>(env_->NowNanos() / 1000000);
  const int64_t elapsed = clock_steady_ms_ < 0 ? -1 : steady - clock_steady_ms_;
  clock_ms_ = AdvanceStoreClock(clock_ms_, wall, elapsed);
  clock_steady_ms_ = steady;
  return clock_ms_;
}

absl::Status EventStore::Impl::RecoverIfNeeded() {
  return write_failed_ ? Recover() : absl::OkStatus();
}

// A write that failed may still have reached the log. Reading the log again
// settles it: what is there now is durable and is applied like at a start.
absl::Status EventStore::Impl::Recover() {
  WaitForApplier();
  const model::Sequence before = last_sequence_;
  const size_t erasures = PendingErasures().size();
  absl::Status status = db_->Reopen();
  if (status.ok()) status = Load();
  if (status.ok()) status = ApplyLog(nullptr);
  if (!status.ok()) return status;
  write_failed_ = false;
  if (PendingErasures().size() > erasures && listener_.erasure_found) {
    listener_.erasure_found();
  }
  spdlog::warn(
      "event store: reopened after a failed write, {} interactions of it were "
      "in the log",
      last_sequence_ - before);
  return absl::OkStatus();
}

void EventStore::Impl::CountGroup(const Written& written) {
  if (!written.status.ok()) {
    spdlog::error("event store: {}", written.status.ToString());
    absl::MutexLock lock(&mutex_);
    ++stats_.write_errors;
    return;
  }
  absl::MutexLock lock(&mutex_);
  stats_.appended += written.plan.events.size();
  stats_.duplicates += written.plan.duplicates;
  stats_.last_sequence =
      std::max(stats_.last_sequence, written.plan.last_sequence);
}

absl::Status EventStore::Impl::RunOnWriter(std::function<absl::Status()> work) {
  absl::Notification finished;
  absl::Status outcome;
  PendingBatch batch;
  batch.task = [&](absl::Status ready) {
    outcome = ready.ok() ? Guarded(work) : std::move(ready);
    finished.Notify();
  };
  absl::Status status = Push(&batch);
  if (!status.ok()) return status;
  finished.WaitForNotification();
  return outcome;
}

absl::Status EventStore::Impl::FindStream(const std::string& stream_id,
                                          StreamDone done) {
  PendingBatch batch;
  batch.task = [this, stream_id, done = std::move(done)](absl::Status ready) {
    if (!ready.ok()) return done(std::move(ready));
    const auto known = Guarded([&] {
      return db_->FindIds({}, {stream_id},
                          CutoffMs(Now(), options_.dedup_window_ms));
    });
    if (!known.ok()) return done(known.status());
    const auto found = known->streams.find(stream_id);
    if (found == known->streams.end()) return done(StreamPosition{});
    done(StreamPosition{found->second.position, found->second.sequence});
  };
  return Push(&batch);
}

absl::Status EventStore::Impl::Erase(ErasureSubject subject,
                                     const std::string& id,
                                     const std::string& erasure_id,
                                     EraseDone done) {
  PendingBatch batch;
  batch.task = [this, subject, id, erasure_id,
                done = std::move(done)](absl::Status ready) {
    if (!ready.ok()) return done(std::move(ready));
    done(Guarded([&] { return EraseNow(subject, id, erasure_id); }));
  };
  return Push(&batch);
}

absl::StatusOr<Erasure> EventStore::Impl::EraseNow(
    ErasureSubject subject, const std::string& id,
    const std::string& erasure_id) {
  const bool user = subject == ErasureSubject::kUser;
  const auto index = (user ? state_->users : state_->items).Find(id);
  if (!erasure_id.empty()) {
    absl::StatusOr<Erasure> known = FindErasure(erasure_id);
    if (known.ok()) {
      const absl::Status same =
          CheckSameErasure(*known, subject, id, index.has_value());
      if (!same.ok()) return same;
      return known;
    }
  }
  if (!index.has_value()) {
    return absl::NotFoundError(absl::StrCat(
        "id: ", user ? "user" : "item", " \"", absl::CHexEscape(id),
        "\" is unknown: there is nothing to erase"));
  }
  Erasure erasure;
  erasure.id = erasure_id.empty() ? RandomId() : erasure_id;
  erasure.record.subject = subject;
  erasure.record.index = *index;
  erasure.record.requested_ms = static_cast<int64_t>(env_->NowMicros() / 1000);
  erasure.record.sequence = last_sequence_;
  absl::Status status = db_->WriteErasure(erasure);
  if (!status.ok()) {
    write_failed_ = true;
    // It may be in the log all the same. Then it has happened, and whoever
    // asked for it is told so.
    if (!Recover().ok()) return status;
    absl::StatusOr<Erasure> written = FindErasure(erasure.id);
    return written.ok() ? written : status;
  }
  ApplyErasure(erasure);
  TAUD_SYNC_POINT("erasure/written");
  absl::MutexLock lock(&mutex_);
  erasures_.Put(erasure);
  return erasure;
}

void EventStore::Impl::ApplyErasure(const Erasure& erasure) {
  const uint32_t index = erasure.record.index;
  if (erasure.record.subject == ErasureSubject::kUser) {
    if (index < state_->users.size() && !state_->users.IsErased(index)) {
      state_->users.Erase(index);
    }
    state_->user_properties.Delete(index);
    return;
  }
  if (index < state_->items.size() && !state_->items.IsErased(index)) {
    state_->items.Erase(index);
  }
  state_->catalogue.Delete(index);
}

std::vector<Erasure> EventStore::Impl::PendingErasures() const {
  absl::MutexLock lock(&mutex_);
  return erasures_.Pending();
}

absl::StatusOr<Erasure> EventStore::Impl::FindErasure(
    const std::string& erasure_id) const {
  absl::MutexLock lock(&mutex_);
  const Erasure* erasure = erasures_.Find(erasure_id);
  if (erasure == nullptr) return UnknownErasure(erasure_id);
  return *erasure;
}

absl::Status EventStore::Impl::EraseFromLog(std::vector<Erasure>* erasures) {
  absl::flat_hash_map<uint32_t, Erasure*> users;
  absl::flat_hash_map<uint32_t, Erasure*> items;
  for (Erasure& erasure : *erasures) {
    const bool user = erasure.record.subject == ErasureSubject::kUser;
    (user ? users : items)[erasure.record.index] = &erasure;
  }
  std::vector<EventDb::Purged> found;
  absl::Status status = db_->ForEachEvent(
      0, state_->users.size(), state_->items.size(),
      [&](const model::Interaction& event, std::string_view event_id) {
        const auto user = users.find(event.user);
        const auto item = items.find(event.item);
        if (user == users.end() && item == items.end()) return;
        Erasure* erasure = user != users.end() ? user->second : item->second;
        ++erasure->record.interactions;
        found.push_back({event.sequence, std::string(event_id)});
      });
  for (size_t done = 0; status.ok() && done < found.size();) {
    const size_t count = std::min(found.size() - done, kPurgedPerWrite);
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(done);
    const std::vector<EventDb::Purged> part(
        first, first + static_cast<std::ptrdiff_t>(count));
    status = RunOnWriter([this, &part] {
      absl::Status purged = db_->Purge(part);
      if (!purged.ok()) write_failed_ = true;
      return purged;
    });
    done += count;
    TAUD_SYNC_POINT("erasure/purging");
  }
  if (status.ok()) status = db_->Compact();
  return status;
}

absl::Status EventStore::Impl::WriteReceipts(
    const std::vector<Erasure>& erasures) {
  return RunOnWriter([this, &erasures] {
    for (const Erasure& erasure : erasures) {
      absl::Status status = db_->WriteReceipt(erasure);
      if (!status.ok()) {
        write_failed_ = true;
        return status;
      }
      absl::MutexLock lock(&mutex_);
      erasures_.Put(erasure);
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<model::Sequence> EventStore::Impl::Trim(
    const Retention& retention, model::Sequence needed) {
  model::Sequence through = 0;
  if (retention.max_age_ms > 0) {
    int64_t now = 0;
    absl::Status status = RunOnWriter([this, &now] {
      now = Now();
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    const auto old = db_->AcceptedBefore(CutoffMs(now, retention.max_age_ms));
    if (!old.ok()) return old.status();
    through = std::max(through, *old);
  }
  if (retention.max_bytes > 0) {
    const auto beyond = db_->BeyondBytes(retention.max_bytes);
    if (!beyond.ok()) return beyond.status();
    through = std::max(through, *beyond);
  }
  through = std::min(through, needed);
  const model::Sequence before = stats().trimmed_through;
  if (through <= before) return before;
  absl::Status status = RunOnWriter([this, through] {
    absl::Status deleted = db_->DeleteEventsThrough(through);
    if (!deleted.ok()) write_failed_ = true;
    return deleted;
  });
  if (status.ok()) status = db_->DropDeletedFiles(through);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  stats_.trimmed_through = through;
  return through;
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
  status = impl->Load();
  if (!status.ok()) return status;
  return std::unique_ptr<EventStore>(new EventStore(std::move(impl)));
}

void EventStore::SetListener(Listener listener) {
  impl_->SetListener(std::move(listener));
}

EventStore::EventStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventStore::~EventStore() = default;

absl::Status EventStore::Replay(
    const std::function<void(uint64_t events, uint64_t last)>& progress) {
  return impl_->Replay(progress);
}

absl::Status EventStore::TryAppend(Batch* batch, AppendDone done) {
  absl::Status status = CheckInteractions(batch->interactions);
  if (status.ok() && !batch->stream_id.empty()) {
    status = CheckId("stream_id", batch->stream_id);
  }
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.batch = std::move(*batch);
  pending.append_done = std::move(done);
  status = impl_->Push(&pending);
  if (!status.ok()) *batch = std::move(pending.batch);
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
  return impl_->Push(&pending);
}

absl::Status EventStore::UpsertUsers(std::vector<NewUser> batch,
                                     UpsertDone done) {
  absl::Status status = CheckUsers(batch);
  if (!status.ok()) return status;
  PendingBatch pending;
  pending.users = std::move(batch);
  pending.upsert_done = std::move(done);
  return impl_->Push(&pending);
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
  return impl_->PendingErasures();
}

absl::StatusOr<Erasure> EventStore::FindErasure(
    const std::string& erasure_id) const {
  return impl_->FindErasure(erasure_id);
}

absl::Status EventStore::EraseFromLog(std::vector<Erasure>* erasures) {
  return impl_->EraseFromLog(erasures);
}

absl::Status EventStore::WriteReceipts(const std::vector<Erasure>& erasures) {
  return impl_->WriteReceipts(erasures);
}

absl::StatusOr<model::Sequence> EventStore::Trim(const Retention& retention,
                                                 model::Sequence needed) {
  return impl_->Trim(retention, needed);
}

absl::Status EventStore::CheckWritable() { return impl_->CheckWritable(); }

absl::Status EventStore::CopyTo(const std::string& directory) {
  return impl_->CopyTo(directory);
}

void EventStore::StopCopies(bool stop) { impl_->StopCopies(stop); }

void EventStore::Close() { impl_->Close(); }

model::Sequence EventStore::log_end() const { return impl_->log_end(); }

EventStore::Stats EventStore::stats() const { return impl_->stats(); }

}  // namespace taud::store
