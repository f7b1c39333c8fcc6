#include "store/files/snapshot_files.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/sync_point.h"
#include "spdlog/spdlog.h"
#include "store/files/directories.h"
#include "store/files/disk_usage.h"
#include "store/files/errno_status.h"
#include "store/files/number_file.h"
#include "store/files/snapshot_manifest.h"
#include "store/files/snapshot_parts.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;

constexpr char kTemporaryPrefix[] = "tmp-";
constexpr char kPinnedFile[] = "pinned";
constexpr size_t kVersionDigits = 20;
constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 20;

std::string VersionName(model::SnapshotVersion version) {
  return absl::StrFormat("%020d", version);
}

std::string Join(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

// The version a complete snapshot's directory is named after, or 0.
model::SnapshotVersion VersionOf(const std::string& name) {
  model::SnapshotVersion version = 0;
  if (name.size() != kVersionDigits || !absl::SimpleAtoi(name, &version)) {
    return 0;
  }
  return VersionName(version) == name ? version : 0;
}

absl::Status WithFile(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, " ", status.message()));
}

absl::Status CheckSavable(const model::Snapshot& snapshot,
                          const model::Dictionary& users,
                          const model::Dictionary& items) {
  if (snapshot.version == 0) {
    return absl::InvalidArgumentError("snapshot.version is 0");
  }
  if (snapshot.users.rows > users.size() ||
      snapshot.items.rows > items.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "snapshot has ", snapshot.users.rows, " users and ",
        snapshot.items.rows, " items, the dictionaries have ids for ",
        users.size(), " and ", items.size()));
  }
  // What LoadSnapshot would refuse is not written.
  const absl::Status status = model::ValidateSnapshot(snapshot);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(status.message());
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return ErrnoStatus(error.value(), "remove", path);
  return absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return ErrnoStatus(error.value(), "rename to", to);
  return absl::OkStatus();
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

absl::StatusOr<SnapshotManifest> ReadManifest(const std::string& directory) {
  const std::string path = Join(directory, kManifestFile);
  const absl::StatusOr<std::string> text =
      ReadSmallFile(path, kMaxManifestBytes);
  if (!text.ok()) return MissingIsDamage(text.status());
  absl::StatusOr<SnapshotManifest> manifest = ParseManifest(*text);
  if (!manifest.ok()) return WithFile(path, manifest.status());
  manifest->info.bytes = text->size();
  for (const auto& [name, digest] : manifest->files) {
    manifest->info.bytes += digest.bytes;
  }
  return manifest;
}

// The manifest of a version's directory, which must be its own.
absl::StatusOr<SnapshotManifest> ReadManifestOf(
    const std::string& directory, model::SnapshotVersion version) {
  absl::StatusOr<SnapshotManifest> manifest = ReadManifest(directory);
  if (!manifest.ok() || manifest->info.version == version) return manifest;
  return absl::DataLossError(
      absl::StrCat(Join(directory, kManifestFile), " is of version ",
                   manifest->info.version, ", expected ", version));
}

// Writes the snapshot into a temporary directory, which is returned.
absl::StatusOr<std::string> WriteBeside(const std::string& root,
                                        const model::Snapshot& snapshot,
                                        const model::Dictionary& users,
                                        const model::Dictionary& items) {
  absl::Status status = CheckSavable(snapshot, users, items);
  if (!status.ok()) return status;
  const std::string temporary =
      Join(root, absl::StrCat(kTemporaryPrefix, VersionName(snapshot.version)));
  status = RemoveAll(temporary);
  if (status.ok()) status = MakeDirectories(temporary);
  if (status.ok())
    status = WriteSnapshotParts(temporary, snapshot, users, items);
  if (status.ok()) return temporary;
  // Only for the space; what remains is ignored.
  RemoveAll(temporary).IgnoreError();
  return status;
}

absl::Status RemoveTemporaries(const std::string& root) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(root);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!absl::StartsWith(name, kTemporaryPrefix)) continue;
    absl::Status status = RemoveAll(Join(root, name));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<model::SnapshotVersion>> SnapshotVersions(
    const std::string& root) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(root);
  if (!names.ok()) return names.status();
  std::vector<model::SnapshotVersion> versions;
  for (const std::string& name : *names) {
    const model::SnapshotVersion version = VersionOf(name);
    if (version != 0) versions.push_back(version);
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

absl::Status SaveSnapshot(const std::string& root,
                          const model::Snapshot& snapshot,
                          const model::Dictionary& users,
                          const model::Dictionary& items) {
  const std::string path = Join(root, VersionName(snapshot.version));
  if (snapshot.version != 0 && Exists(path)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " exists"));
  }
  const auto temporary = WriteBeside(root, snapshot, users, items);
  if (!temporary.ok()) return temporary.status();
  TAUD_SYNC_POINT("snapshot/written");
  absl::Status status = Rename(*temporary, path);
  if (!status.ok()) {
    RemoveAll(*temporary).IgnoreError();
    return status;
  }
  TAUD_SYNC_POINT("snapshot/renamed");
  return SyncDirectory(root);
}

absl::Status ReplaceSnapshot(const std::string& root,
                             const model::Snapshot& snapshot,
                             const model::Dictionary& users,
                             const model::Dictionary& items) {
  const std::string path = Join(root, VersionName(snapshot.version));
  if (!Exists(path)) {
    return absl::NotFoundError(absl::StrCat(path, " does not exist"));
  }
  const auto temporary = WriteBeside(root, snapshot, users, items);
  if (!temporary.ok()) return temporary.status();
  TAUD_SYNC_POINT("snapshot/replacing");
  absl::Status status;
  if (renameat2(AT_FDCWD, temporary->c_str(), AT_FDCWD, path.c_str(),
                RENAME_EXCHANGE) != 0) {
    // A file system that cannot: there is an instant without the snapshot.
    status = RemoveAll(path);
    if (status.ok()) status = Rename(*temporary, path);
  }
  if (status.ok()) status = SyncDirectory(root);
  if (status.ok()) status = RemoveAll(*temporary);
  return status;
}

absl::StatusOr<std::unique_ptr<model::Snapshot>> LoadSnapshot(
    const std::string& root, model::SnapshotVersion version) {
  const std::string directory = Join(root, VersionName(version));
  if (!Exists(directory)) {
    return absl::NotFoundError(absl::StrCat(directory, " does not exist"));
  }
  const absl::StatusOr<SnapshotManifest> manifest =
      ReadManifestOf(directory, version);
  if (!manifest.ok()) return manifest.status();
  auto snapshot = std::make_unique<model::Snapshot>();
  snapshot->version = version;
  snapshot->trained_through = manifest->info.trained_through;
  snapshot->created_ms = manifest->info.created_ms;
  snapshot->metrics = manifest->info.metrics;
  snapshot->tau0 = manifest->tau0;
  absl::Status status = ReadSnapshotParts(directory, *manifest, snapshot.get());
  if (status.ok()) {
    status = WithFile(directory, model::ValidateSnapshot(*snapshot));
  }
  if (!status.ok()) return status;
  return snapshot;
}

absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots(
    const std::string& root) {
  const absl::StatusOr<std::vector<model::SnapshotVersion>> versions =
      SnapshotVersions(root);
  if (!versions.ok()) return versions.status();
  std::vector<SnapshotInfo> infos;
  for (const model::SnapshotVersion version : *versions) {
    const absl::StatusOr<SnapshotManifest> manifest =
        ReadManifestOf(Join(root, VersionName(version)), version);
    if (manifest.ok()) {
      infos.push_back(manifest->info);
    } else {
      spdlog::warn("snapshot {} is left out: {}", version,
                   manifest.status().ToString());
    }
  }
  return infos;
}

absl::Status DeleteSnapshot(const std::string& root,
                            model::SnapshotVersion version) {
  const std::string name = VersionName(version);
  const std::string path = Join(root, name);
  if (!Exists(path)) {
    return absl::NotFoundError(absl::StrCat(path, " does not exist"));
  }
  // Renamed first: a directory with a number for a name is complete, even if
  // the removal is cut short.
  const std::string temporary =
      Join(root, absl::StrCat(kTemporaryPrefix, name));
  absl::Status status = RemoveAll(temporary);
  if (status.ok()) status = Rename(path, temporary);
  if (status.ok()) status = SyncDirectory(root);
  if (status.ok()) status = RemoveAll(temporary);
  return status;
}

absl::Status PruneSnapshots(const std::string& root,
                            const SnapshotRetention& retention) {
  absl::Status status = RemoveTemporaries(root);
  if (!status.ok()) return status;
  const auto versions = SnapshotVersions(root);
  if (!versions.ok()) return versions.status();
  std::vector<SnapshotOnDisk> saved;
  for (const model::SnapshotVersion version : *versions) {
    const std::string directory = Join(root, VersionName(version));
    const auto manifest = ReadManifestOf(directory, version);
    saved.push_back({version, manifest.ok() ? manifest->info.created_ms : 0,
                     BytesBelow(directory)});
  }
  for (const model::SnapshotVersion version : Superfluous(saved, retention)) {
    status = DeleteSnapshot(root, version);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RemoveTemporarySnapshots(const std::string& root) {
  return RemoveTemporaries(root);
}

absl::StatusOr<model::SnapshotVersion> ReadPinned(const std::string& root) {
  const auto pinned = ReadNumberFile(Join(root, kPinnedFile));
  if (pinned.ok()) return pinned->value_or(0);
  if (!absl::IsDataLoss(pinned.status())) return pinned.status();
  return absl::DataLossError(
      absl::StrCat(pinned.status().message(),
                   "; remove it to serve the newest snapshot, or write the "
                   "version into it that is to serve"));
}

absl::Status WritePinned(const std::string& root,
                         model::SnapshotVersion version) {
  const std::string path = Join(root, kPinnedFile);
  return version == 0 ? RemoveFile(path) : WriteNumberFile(path, version);
}

}  // namespace taud::store
