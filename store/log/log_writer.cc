#include "store/log/log_writer.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "rocksdb/env.h"
#include "spdlog/spdlog.h"
#include "store/log/store_clock.h"

namespace taud::store {
namespace {

// Events applied together, and between two calls of a replay's progress.
constexpr size_t kReplayBlock = 65536;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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

absl::Status LogWriter::GivenUp(const char* why) noexcept {
  write_failed_ = true;
  try {
    return absl::ResourceExhaustedError(
        absl::StrCat("the event store could not go on: ", why, "; try again"));
  } catch (...) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");
  }
}

absl::Status LogWriter::Load() {
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

absl::Status LogWriter::ApplyLog(const EventStore::ReplayProgress& progress) {
  const absl::StatusOr<model::Sequence> given = db_->LastSequence();
  if (!given.ok()) return given.status();
  const absl::StatusOr<int64_t> time = db_->LastTimeMs();
  if (!time.ok()) return time.status();
  clock_ms_ = std::max(clock_ms_, *time);
  const std::vector<uint32_t> users = state_->users.Erased();
  const std::vector<uint32_t> items = state_->items.Erased();
  const absl::flat_hash_set<uint32_t> no_users(users.begin(), users.end());
  const absl::flat_hash_set<uint32_t> no_items(items.begin(), items.end());
  // The first one there is: what is older may have left the log.
  model::Sequence first = 0;
  std::vector<model::Interaction> block;
  block.reserve(kReplayBlock);
  // last_sequence_ follows every block, so that a scan that fails on the way
  // can be taken up again.
  const auto apply = [&] {
    if (block.empty()) return;
    TAUD_SYNC_POINT("log/reading");
    state_->interactions.AppendAll(block);
    last_sequence_ = block.back().sequence;
    if (first == 0) first = block.front().sequence;
    block.clear();
    if (progress) progress(last_sequence_ - first + 1, *given - first + 1);
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
  if (progress) {
    const uint64_t all = first == 0 ? 0 : last_sequence_ - first + 1;
    progress(all, all);
  }
  stats_->Update(
      [&](EventStore::Stats* stats) { stats->last_sequence = last_sequence_; });
  return absl::OkStatus();
}

absl::Status LogWriter::Commit(const std::vector<PendingBatch>& batches,
                               GroupPlan* plan) {
  absl::Status status = Ready();
  if (!status.ok()) {
    stats_->NoteWritable(status);
    return status;
  }
  const int64_t cutoff = CutoffMs(Now(), options_.dedup_window_ms);
  db_->SetExpiry(cutoff);
  const absl::StatusOr<KnownIds> known =
      db_->FindIds(EventIdsOf(batches), StreamsOf(batches), cutoff);
  if (!known.ok()) return known.status();
  *plan = PlanGroup(batches, known->sequences, last_sequence_, *state_,
                    known->streams, options_.ids);
  if (plan->empty()) return absl::OkStatus();
  status = Write(*plan);
  stats_->NoteWritable(status);
  if (!status.ok()) {
    write_failed_ = true;
    return status;
  }
  ApplyIds(*plan, state_);
  last_sequence_ = plan->last_sequence;
  return absl::OkStatus();
}

absl::Status LogWriter::Write(const GroupPlan& plan) {
  const Clock::time_point start = Clock::now();
  absl::Status status = db_->Write(plan, clock_ms_);
  const double seconds = SecondsSince(start);
  stats_->Update([&](EventStore::Stats* stats) {
    stats->last_sync_seconds = seconds;
    if (status.ok()) ++stats->groups;
  });
  return status;
}

int64_t LogWriter::Now() {
  const auto wall = static_cast<int64_t>(env_->NowMicros() / 1000);
  const auto steady = static_cast<int64_t>(env_->NowNanos() / 1000000);
  const int64_t elapsed = clock_steady_ms_ < 0 ? -1 : steady - clock_steady_ms_;
  clock_ms_ = AdvanceStoreClock(clock_ms_, wall, elapsed);
  clock_steady_ms_ = steady;
  return clock_ms_;
}

absl::Status LogWriter::Ready() {
  return write_failed_ ? Recover() : absl::OkStatus();
}

// A write that failed may still have reached the log. Reading the log again
// settles it: what is there now is durable and is applied like at a start.
absl::Status LogWriter::Recover() {
  // Where memory stands: what was written behind it is read.
  last_sequence_ = state_->interactions.last_sequence();
  const model::Sequence before = last_sequence_;
  const size_t erasures = PendingErasures().size();
  absl::Status status = db_->Reopen();
  if (status.ok()) status = Load();
  if (status.ok()) status = ApplyLog(nullptr);
  if (!status.ok()) return status;
  write_failed_ = false;
  if (PendingErasures().size() > erasures && erasure_found_) {
    erasure_found_();
  }
  spdlog::warn(
      "event store: reopened after a failed write, {} interactions were in the "
      "log and not in memory",
      last_sequence_ - before);
  return absl::OkStatus();
}

absl::StatusOr<RetractionPlan> LogWriter::PlanToRetract(
    const std::vector<Retraction>& retractions) {
  std::vector<std::string_view> event_ids;
  for (const Retraction& one : retractions) {
    if (!one.event_id.empty()) event_ids.push_back(one.event_id);
  }
  const auto known =
      db_->FindIds(event_ids, {}, CutoffMs(Now(), options_.dedup_window_ms));
  if (!known.ok()) return known.status();
  std::vector<model::Sequence> sequences;
  size_t next = 0;
  for (const Retraction& one : retractions) {
    sequences.push_back(one.event_id.empty() ? 0 : known->sequences[next++]);
  }
  return PlanRetractions(retractions, sequences, *state_,
                         static_cast<int64_t>(env_->NowMicros() / 1000));
}

absl::StatusOr<EventStore::StreamPosition> LogWriter::FindStream(
    const std::string& stream_id) {
  const auto known =
      db_->FindIds({}, {stream_id}, CutoffMs(Now(), options_.dedup_window_ms));
  if (!known.ok()) return known.status();
  const auto found = known->streams.find(stream_id);
  if (found == known->streams.end()) return EventStore::StreamPosition{};
  return EventStore::StreamPosition{found->second.position,
                                    found->second.sequence};
}

absl::StatusOr<Erasure> LogWriter::Erase(ErasureSubject subject,
                                         const std::string& id,
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

void LogWriter::ApplyErasure(const Erasure& erasure) {
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

std::vector<Erasure> LogWriter::PendingErasures() const {
  absl::MutexLock lock(&mutex_);
  return erasures_.Pending();
}

absl::StatusOr<Erasure> LogWriter::FindErasure(
    const std::string& erasure_id) const {
  absl::MutexLock lock(&mutex_);
  const Erasure* erasure = erasures_.Find(erasure_id);
  if (erasure == nullptr) return UnknownErasure(erasure_id);
  return *erasure;
}

absl::Status LogWriter::WriteReceipts(const std::vector<Erasure>& erasures) {
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
}

absl::Status LogWriter::Purge(const std::vector<EventDb::Purged>& events) {
  absl::Status status = db_->Purge(events);
  if (!status.ok()) write_failed_ = true;
  return status;
}

absl::Status LogWriter::DeleteEventsThrough(model::Sequence through) {
  absl::Status status = db_->DeleteEventsThrough(through);
  if (!status.ok()) write_failed_ = true;
  return status;
}

}  // namespace taud::store
