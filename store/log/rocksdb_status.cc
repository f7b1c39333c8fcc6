#include "store/log/rocksdb_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace taud::store {
namespace {

// RocksDB keeps errno only as text.
bool IsPermission(absl::string_view text) {
  return absl::StrContains(text, "Permission denied") ||
         absl::StrContains(text, "Operation not permitted");
}

bool IsLock(absl::string_view text) {
  return absl::StrContains(text, "While lock file") ||
         absl::StrContains(text, "lock hold by current process");
}

}  // namespace

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view what,
                         absl::string_view directory) {
  if (status.ok()) return absl::OkStatus();
  // A missing table is named as LevelDB named them.
  const std::string text =
      absl::StrReplaceAll(status.ToString(), {{".ldb", ".sst"}});
  const std::string reason =
      absl::StrCat("cannot ", what, " in ", directory, ": ", text);
  if (status.IsNoSpace() ||
      status.subcode() == rocksdb::Status::SubCode::kSpaceLimit) {
    return absl::ResourceExhaustedError(
        absl::StrCat(reason, "; free disk space and try again"));
  }
  if (absl::StrContains(text, "Read-only file system")) {
    return absl::UnavailableError(
        absl::StrCat(reason,
                     "; the kernel remounts a disk so after an error: look at "
                     "its log, and make the file system writable again"));
  }
  if (IsPermission(text)) {
    return absl::PermissionDeniedError(absl::StrCat(
        reason,
        "; give taud's user write permission or choose another data "
        "directory"));
  }
  if (IsLock(text)) {
    return absl::FailedPreconditionError(
        absl::StrCat(reason,
                     "; another process holds the directory: stop it or choose "
                     "another data directory"));
  }
  if (status.IsCorruption()) {
    return absl::DataLossError(
        absl::StrCat(reason, "; restore the directory from a backup"));
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(
        absl::StrCat(reason,
                     "; it may have been written by another version of taud: "
                     "use that version or another data directory"));
  }
  return absl::UnavailableError(reason);
}

}  // namespace taud::store
