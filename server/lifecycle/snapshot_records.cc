#include "server/lifecycle/snapshot_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/lifecycle/message_file.h"

namespace taud::server {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;
constexpr size_t kMaxNameBytes = 64;
// Versions that serve without being on disk are remembered so far back.
constexpr size_t kUnsavedRemembered = 8;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
         c == '_' || c == '-';
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxNameBytes &&
      std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "name: 1 to 64 letters, digits, '.', '_' or '-' are allowed");
}

}  // namespace

void SnapshotRecords::Load() {
  v1::ListSnapshotsResponse saved;
  LoadMessageFile(
      path_, kMaxFileBytes,
      "what is known of snapshots is lost: kept ones have no names any more",
      &saved);
  absl::MutexLock lock(&mutex_);
  for (v1::SnapshotInfo& info : *saved.mutable_snapshots()) {
    records_[info.version()] = std::move(info);
  }
}

v1::SnapshotInfo SnapshotRecords::Of(model::SnapshotVersion version) const {
  absl::MutexLock lock(&mutex_);
  const auto it = records_.find(version);
  return it == records_.end() ? v1::SnapshotInfo() : it->second;
}

std::vector<model::SnapshotVersion> SnapshotRecords::Kept() const {
  absl::MutexLock lock(&mutex_);
  std::vector<model::SnapshotVersion> kept;
  for (const auto& [version, info] : records_) {
    if (!info.kept_as().empty()) kept.push_back(version);
  }
  return kept;
}

std::vector<model::SnapshotVersion> SnapshotRecords::Bad() const {
  absl::MutexLock lock(&mutex_);
  std::vector<model::SnapshotVersion> bad;
  for (const auto& [version, info] : records_) {
    if (info.bad()) bad.push_back(version);
  }
  return bad;
}

model::SnapshotVersion SnapshotRecords::Named(absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [version, info] : records_) {
    if (!name.empty() && info.kept_as() == name) return version;
  }
  return 0;
}

void SnapshotRecords::SetVerdict(model::SnapshotVersion version,
                                 const v1::Verdict& verdict) {
  absl::MutexLock lock(&mutex_);
  *records_[version].mutable_verdict() = verdict;
}

void SnapshotRecords::SetQuality(model::SnapshotVersion version,
                                 const v1::LiveFigures& quality) {
  absl::MutexLock lock(&mutex_);
  *records_[version].mutable_quality() = quality;
}

void SnapshotRecords::SetBad(model::SnapshotVersion version, bool bad) {
  absl::MutexLock lock(&mutex_);
  records_[version].set_bad(bad);
}

void SnapshotRecords::Copy(model::SnapshotVersion from,
                           model::SnapshotVersion to) {
  absl::MutexLock lock(&mutex_);
  const auto it = records_.find(from);
  if (it == records_.end()) return;
  v1::SnapshotInfo copy = it->second;
  copy.clear_kept_as();  // the name stays with the file
  records_[to] = std::move(copy);
}

absl::Status SnapshotRecords::Keep(model::SnapshotVersion version,
                                   const std::string& name) {
  absl::Status status = CheckName(name);
  if (!status.ok()) return status;
  const model::SnapshotVersion other = Named(name);
  if (other == version) return absl::OkStatus();
  if (other != 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("name: snapshot ", other, " is kept as ", name,
                     "; release it first, or choose another name"));
  }
  const std::string before = Of(version).kept_as();
  if (before.empty() && Kept().size() >= kMaxKept) {
    return absl::ResourceExhaustedError(
        absl::StrCat(kMaxKept, " snapshots are kept already; release some"));
  }
  return Rename(version, before, name);
}

absl::Status SnapshotRecords::Release(model::SnapshotVersion version) {
  const std::string before = Of(version).kept_as();
  if (before.empty()) {
    return absl::NotFoundError(
        absl::StrCat("version: snapshot ", version, " is not kept"));
  }
  return Rename(version, before, "");
}

absl::Status SnapshotRecords::Rename(model::SnapshotVersion version,
                                     const std::string& from,
                                     const std::string& to) {
  const auto set = [&](const std::string& name) {
    absl::MutexLock lock(&mutex_);
    records_[version].set_kept_as(name);
  };
  set(to);
  absl::Status status = WriteAll();
  if (!status.ok()) set(from);
  return status;
}

absl::Status SnapshotRecords::Write(
    const std::vector<model::SnapshotVersion>& versions) {
  {
    absl::MutexLock lock(&mutex_);
    size_t unsaved = 0;
    for (auto it = records_.end(); it != records_.begin();) {
      --it;
      const bool saved = std::find(versions.begin(), versions.end(),
                                   it->first) != versions.end();
      if (saved || ++unsaved <= kUnsavedRemembered) continue;
      it = records_.erase(it);
    }
  }
  return WriteAll();
}

absl::Status SnapshotRecords::WriteAll() const {
  v1::ListSnapshotsResponse all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [version, info] : records_) {
      v1::SnapshotInfo* to = all.add_snapshots();
      *to = info;
      to->set_version(version);
    }
  }
  return ReplaceMessageFile(path_, all);
}

}  // namespace taud::server
