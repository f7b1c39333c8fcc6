#include "store/log/log_upkeep.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "model/sync_point.h"
#include "store/log/store_clock.h"

namespace taud::store {
namespace {

// Erased events deleted in one write: acknowledgements wait for no more.
constexpr size_t kPurgedPerWrite = 4096;

}  // namespace

absl::Status LogUpkeep::EraseFromLog(std::vector<Erasure>* erasures) {
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
  if (!status.ok()) return status;
  return PurgeAll(found);
}

absl::Status LogUpkeep::PurgeAll(const std::vector<EventDb::Purged>& found) {
  absl::Status status;
  for (size_t done = 0; status.ok() && done < found.size();) {
    const size_t count = std::min(found.size() - done, kPurgedPerWrite);
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(done);
    const std::vector<EventDb::Purged> part(
        first, first + static_cast<std::ptrdiff_t>(count));
    status = pipeline_->Run([this, &part] { return log_->Purge(part); });
    done += count;
    TAUD_SYNC_POINT("erasure/purging");
  }
  if (status.ok()) status = db_->Compact();
  return status;
}

absl::StatusOr<model::Sequence> LogUpkeep::PurgeRetracted(
    model::Sequence needed) {
  // By pair, the last retraction that everybody has read.
  absl::flat_hash_map<uint64_t, model::Sequence> last;
  const auto key = [](const model::Interaction& event) {
    return (uint64_t{event.user} << 32) | event.item;
  };
  const auto visit_all = [&](const EventDb::VisitEvent& visit) {
    return db_->ForEachEvent(0, state_->users.size(), state_->items.size(),
                             visit);
  };
  model::Sequence through = 0;
  absl::Status status =
      visit_all([&](const model::Interaction& event, std::string_view) {
        if (event.kind != model::InteractionKind::kRetract) return;
        if (event.sequence > needed) return;
        last[key(event)] = event.sequence;
        through = std::max(through, event.sequence);
      });
  if (!status.ok()) return status;
  if (last.empty()) return through;
  std::vector<EventDb::Purged> found;
  status = visit_all([&](const model::Interaction& event, std::string_view) {
    const auto retracted = last.find(key(event));
    if (retracted == last.end() || event.sequence > retracted->second) return;
    // The event id stays: sent again, it is a duplicate.
    found.push_back({event.sequence, ""});
  });
  if (!status.ok()) return status;
  status = PurgeAll(found);
  if (!status.ok()) return status;
  return through;
}

absl::Status LogUpkeep::WriteReceipts(const std::vector<Erasure>& erasures) {
  return pipeline_->Run(
      [this, &erasures] { return log_->WriteReceipts(erasures); });
}

absl::StatusOr<model::Sequence> LogUpkeep::Trim(
    const EventStore::Retention& retention, model::Sequence needed) {
  model::Sequence through = 0;
  if (retention.max_age_ms > 0) {
    int64_t now = 0;
    absl::Status status = pipeline_->Run([this, &now] {
      now = log_->Now();
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
  const model::Sequence before = stats_->Get().trimmed_through;
  if (through <= before) return before;
  absl::Status status = pipeline_->Run(
      [this, through] { return log_->DeleteEventsThrough(through); });
  if (status.ok()) status = db_->DropDeletedFiles(through);
  if (!status.ok()) return status;
  stats_->Update(
      [&](EventStore::Stats* stats) { stats->trimmed_through = through; });
  return through;
}

}  // namespace taud::store
