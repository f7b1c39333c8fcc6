#include "store/version_reservation.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "store/errno_status.h"
#include "store/synced_file.h"

namespace taud::store {
namespace {

constexpr model::SnapshotVersion kBlock = 1024;

// After a crash it is the old file or the new one.
absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  SyncedFile file(temporary);
  file.Write(text);
  const auto written = file.Finish();
  if (!written.ok()) return written.status();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, "rename", temporary);
  }
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

std::string FileOf(const std::string& root) {
  return absl::StrCat(root, "/reserved_versions");
}

}  // namespace

absl::StatusOr<model::SnapshotVersion> LastReservedVersion(
    const std::string& root) {
  const std::string path = FileOf(root);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return 0;
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  model::SnapshotVersion version = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text.str()), &version)) {
    return absl::DataLossError(
        absl::StrCat(path,
                     " does not hold a version; write a number into it that is "
                     "larger than every snapshot version ever served"));
  }
  return version;
}

absl::StatusOr<model::SnapshotVersion> ReserveVersions(
    const std::string& root, model::SnapshotVersion used) {
  const auto last = LastReservedVersion(root);
  if (!last.ok()) return last.status();
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) return ErrnoStatus(error.value(), "create", root);
  const model::SnapshotVersion reserved = std::max(*last, used) + kBlock;
  absl::Status status = ReplaceFile(FileOf(root), absl::StrCat(reserved, "\n"));
  if (!status.ok()) return status;
  return reserved;
}

}  // namespace taud::store
