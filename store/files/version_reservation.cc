#include "store/files/version_reservation.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "store/files/directories.h"
#include "store/files/errno_status.h"
#include "store/files/number_file.h"
#include "store/files/snapshot_files.h"

namespace taud::store {
namespace {

constexpr model::SnapshotVersion kBlock = 1024;

std::string FileOf(const std::string& root) {
  return absl::StrCat(root, "/reserved_versions");
}

}  // namespace

absl::StatusOr<model::SnapshotVersion> LastReservedVersion(
    const std::string& root) {
  const auto version = ReadNumberFile(FileOf(root));
  if (version.ok()) {
    if (version->has_value()) return **version;
    // Versions are reserved before there is a snapshot.
    const auto saved = SnapshotVersions(root);
    if (!saved.ok()) return saved.status();
    if (saved->empty()) return 0;
    return absl::DataLossError(absl::StrCat(
        FileOf(root),
        " is missing beside snapshots, and versions would be given twice; "
        "write a number into it that is larger than every snapshot version "
        "ever served (the newest here is ",
        saved->back(), ")"));
  }
  if (!absl::IsDataLoss(version.status())) return version.status();
  return absl::DataLossError(
      absl::StrCat(version.status().message(),
                   "; write a number into it that is larger than every "
                   "snapshot version ever served"));
}

absl::StatusOr<model::SnapshotVersion> ReserveVersions(
    const std::string& root, model::SnapshotVersion used) {
  const auto last = LastReservedVersion(root);
  if (!last.ok()) return last.status();
  absl::Status status = MakeDirectories(root);
  if (!status.ok()) return status;
  const model::SnapshotVersion reserved = std::max(*last, used) + kBlock;
  status = WriteNumberFile(FileOf(root), reserved);
  if (!status.ok()) return status;
  return reserved;
}

}  // namespace taud::store
