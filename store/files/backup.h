#ifndef TAUD_STORE_FILES_BACKUP_H_
#define TAUD_STORE_FILES_BACKUP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/types.h"
#include "store/files/synced_file.h"

namespace taud::store {

// A backup is a copy of a data directory (data_directory.h) and BACKUP.json,
// which lists every file with its size and checksum. It is complete when it
// has its name: it is made in `<name>.incomplete`. Plain functions,
// thread-compatible.

struct BackupManifest {
  int64_t created_ms = 0;
  model::Sequence last_sequence = 0;        // of the log
  std::map<std::string, FileDigest> files;  // by path below the backup
  uint64_t bytes() const;
};

// Asked now and then while files are linked, copied and read; true ends that
// with CANCELLED. May be null.
using CalledOff = std::function<bool()>;

// Bytes done and in all.
using CopyProgress = std::function<void(uint64_t, uint64_t)>;

// Where a backup of that name is put together. INVALID_ARGUMENT if the name is
// not absolute; ALREADY_EXISTS if something has it; FAILED_PRECONDITION if
// `<name>.incomplete` exists and is not a backup that was cut short.
absl::StatusOr<std::string> BeginBackup(const std::string& directory);
// Removes what BeginBackup made, if the backup cannot be finished.
absl::Status AbandonBackup(const std::string& directory);
// Files that are never changed once they are complete: hard links where that
// is possible, else copies. A missing `from` is nothing to do.
absl::Status LinkTree(const std::string& from, const std::string& to,
                      const CalledOff& called_off = nullptr);
// Reads every file, writes BACKUP.json, gives the backup its name.
absl::StatusOr<BackupManifest> FinishBackup(
    const std::string& directory, int64_t created_ms,
    model::Sequence last_sequence, const CalledOff& called_off = nullptr);

// Reads BACKUP.json. NOT_FOUND if there is none; DATA_LOSS.
absl::StatusOr<BackupManifest> ReadBackupManifest(const std::string& directory);
// Compares every file with the manifest. DATA_LOSS names the first that
// differs, or is missing.
absl::Status CheckBackupFiles(const std::string& directory,
                              const BackupManifest& manifest,
                              const CopyProgress& progress);

// Makes `data_dir`, which must be missing or empty, of a backup that is whole.
// After a crash `data_dir` is as it was or complete. FAILED_PRECONDITION if it
// is not empty, or `<data_dir>.restoring` is not a restore that was cut short.
absl::Status RestoreBackup(const std::string& directory,
                           const std::string& data_dir,
                           const CopyProgress& progress);

// The text of BACKUP.json, with a CRC32C of the rest of itself; only what
// Format writes is taken. Messages lack the file's name. Pure.
std::string FormatBackupManifest(const BackupManifest& manifest);
absl::StatusOr<BackupManifest> ParseBackupManifest(const std::string& text);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_BACKUP_H_
