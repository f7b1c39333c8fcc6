#include "server/lifecycle/snapshot_shelf.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/observe/logging.h"
#include "store/files/free_space.h"
#include "store/files/version_reservation.h"

namespace taud::server {
namespace {

// The history of hours and days costs what somebody else may need.
constexpr double kFreeForHistory = .2;

// Whether one of the indices is below `rows`.
bool AnyInside(const std::vector<uint32_t>& indices, size_t rows) {
  return std::any_of(indices.begin(), indices.end(),
                     [rows](uint32_t index) { return index < rows; });
}

}  // namespace

absl::Status SnapshotShelf::Open(model::Sequence log_end) {
  Refresh();
  auto reserved = store::LastReservedVersion(options_.directory);
  if (!reserved.ok()) return reserved.status();
  reserved_through_ = *reserved;
  last_version_ = *reserved;
  const std::vector<store::SnapshotInfo> saved = Saved();
  if (!saved.empty()) {
    last_version_ = std::max(last_version_, saved.back().version);
  }
  for (const store::SnapshotInfo& info : saved) {
    if (info.trained_through <= log_end) continue;
    return absl::DataLossError(absl::StrCat(
        "snapshot ", info.version, " was trained through interaction ",
        info.trained_through, ", but the log ends at ", log_end,
        ": acknowledged interactions are missing from it. Restore the data "
        "directory from a backup; or, to go on without them, remove ",
        options_.directory, " and the checkpoints beside it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<model::SnapshotVersion> SnapshotShelf::NextVersion() {
  if (last_version_ >= reserved_through_) {
    auto reserved = store::ReserveVersions(options_.directory, last_version_);
    if (!reserved.ok()) return reserved.status();
    reserved_through_ = *reserved;
  }
  return ++last_version_;
}

model::SnapshotVersion SnapshotShelf::NewestBefore(
    model::SnapshotVersion version) const {
  model::SnapshotVersion newest = 0;
  for (const store::SnapshotInfo& info : Saved()) {
    if (version != 0 && info.version >= version) continue;
    if (!records_->Of(info.version).bad()) newest = info.version;
  }
  return newest;
}

bool SnapshotShelf::Has(model::SnapshotVersion version) const {
  const std::vector<store::SnapshotInfo> saved = Saved();
  return std::any_of(saved.begin(), saved.end(),
                     [version](const store::SnapshotInfo& info) {
                       return info.version == version;
                     });
}

absl::StatusOr<std::unique_ptr<model::Snapshot>> SnapshotShelf::Load(
    model::SnapshotVersion version) const {
  auto loaded = store::LoadSnapshot(options_.directory, version);
  if (!loaded.ok()) return loaded;
  // The log is the truth: a snapshot beyond it belongs to another one.
  if ((*loaded)->users.rows > state_->users.size() ||
      (*loaded)->items.rows > state_->items.size()) {
    return absl::DataLossError("it has more rows than the log has ids");
  }
  // Of an erasure that a kill interrupted.
  model::ForgetRows(state_->users.Erased(), state_->items.Erased(),
                    loaded->get());
  return loaded;
}

absl::Status SnapshotShelf::Save(const model::Snapshot& snapshot,
                                 model::SnapshotVersion pinned) {
  absl::Status status =
      store::CheckFreeSpace(options_.directory, options_.min_free_bytes);
  if (status.ok()) {
    status = store::SaveSnapshot(options_.directory, snapshot, state_->users,
                                 state_->items);
  }
  if (!status.ok()) {
    NoteFailure("snapshot not saved", snapshot.version, status);
    Refresh();
    return status;
  }
  const absl::Status pruned =
      store::PruneSnapshots(options_.directory, Retention(pinned));
  if (!pruned.ok()) {
    NoteFailure("snapshots not pruned", snapshot.version, pruned);
  }
  Refresh();
  WriteRecords().IgnoreError();
  return absl::OkStatus();
}

store::SnapshotRetention SnapshotShelf::Retention(
    model::SnapshotVersion pinned) const {
  store::SnapshotRetention retention;
  retention.keep = options_.keep;
  retention.max_bytes = options_.max_bytes;
  retention.stay = records_->Kept();
  if (pinned != 0) retention.stay.push_back(pinned);
  retention.aside = records_->Bad();
  if (store::FreeShare(options_.directory) < kFreeForHistory) return retention;
  retention.hourly = options_.keep_hourly;
  retention.daily = options_.keep_daily;
  return retention;
}

absl::Status SnapshotShelf::WriteRecords() {
  std::vector<model::SnapshotVersion> versions;
  for (const store::SnapshotInfo& info : Saved()) {
    versions.push_back(info.version);
  }
  absl::Status status = records_->Write(versions);
  if (!status.ok()) {
    NoteFailure("what is known of snapshots not saved", last_version_, status);
  }
  return status;
}

absl::StatusOr<model::SnapshotVersion> SnapshotShelf::ReadPin() const {
  return store::ReadPinned(options_.directory);
}

absl::Status SnapshotShelf::WritePin(model::SnapshotVersion version) {
  return store::WritePinned(options_.directory, version);
}

absl::Status SnapshotShelf::Erase(const std::vector<model::UserIndex>& users,
                                  const std::vector<model::ItemIndex>& items,
                                  const model::ItemLists& histories,
                                  model::SnapshotVersion pinned) {
  const auto versions = store::SnapshotVersions(options_.directory);
  if (!versions.ok()) return versions.status();
  // Half-written and half-removed ones hold names, too.
  absl::Status status = store::RemoveTemporarySnapshots(options_.directory);
  for (const model::SnapshotVersion version : *versions) {
    if (!status.ok()) return status;
    const bool may_remove = version != versions->back() && version != pinned;
    status = EraseFrom(version, may_remove, users, items, histories);
  }
  if (status.ok()) Refresh();
  return status;
}

absl::Status SnapshotShelf::EraseFrom(
    model::SnapshotVersion version, bool may_remove,
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items,
    const model::ItemLists& histories) {
  auto snapshot = store::LoadSnapshot(options_.directory, version);
  if (!snapshot.ok()) {
    // It would never serve, and cannot be relied on to forget.
    Log(LogLevel::kWarning, "damaged snapshot removed by an erasure",
        {{"version", absl::StrCat(version)},
         {"error", std::string(snapshot.status().message())}});
    return store::DeleteSnapshot(options_.directory, version);
  }
  if (!AnyInside(users, (*snapshot)->users.rows) &&
      !AnyInside(items, (*snapshot)->items.rows)) {
    return absl::OkStatus();
  }
  // Rewritten even if the row is zero: its name is in the list of ids.
  model::ForgetRows(users, items, snapshot->get());
  model::ForgetHistories(histories, snapshot->get());
  absl::Status status = store::ReplaceSnapshot(options_.directory, **snapshot,
                                               state_->users, state_->items);
  if (!absl::IsResourceExhausted(status) || !may_remove) return status;
  // There is no room to rewrite it. Gone, it makes some for those that follow.
  Log(LogLevel::kWarning, "old snapshot removed by an erasure: no room",
      {{"version", absl::StrCat(version)}});
  return store::DeleteSnapshot(options_.directory, version);
}

void SnapshotShelf::Refresh() {
  auto saved = store::ListSnapshots(options_.directory);
  if (!saved.ok()) {
    Log(LogLevel::kError, "snapshots cannot be listed",
        {{"error", std::string(saved.status().message())}});
    return;
  }
  absl::MutexLock lock(&mutex_);
  saved_ = *std::move(saved);
}

void SnapshotShelf::NoteFailure(absl::string_view what,
                                model::SnapshotVersion version,
                                const absl::Status& status) {
  Log(LogLevel::kError, std::string(what),
      {{"version", absl::StrCat(version)},
       {"error", std::string(status.message())}});
  absl::MutexLock lock(&mutex_);
  ++save_errors_;
}

std::vector<store::SnapshotInfo> SnapshotShelf::Saved() const {
  absl::MutexLock lock(&mutex_);
  return saved_;
}

uint64_t SnapshotShelf::save_errors() const {
  absl::MutexLock lock(&mutex_);
  return save_errors_;
}

}  // namespace taud::server
