#ifndef TAUD_STORE_FILES_DATA_DIRECTORY_H_
#define TAUD_STORE_FILES_DATA_DIRECTORY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace taud::store {

// What stands where in a data directory:
//   FORMAT        the number of its format, and a checksum
//   log/          RocksDB (event_store.h)
//   snapshots/    (snapshot_files.h, version_reservation.h)
//   checkpoints/  (checkpoint_files.h)
//   history       figures of the last hours, for plots; not backed up
// A backup has the same and BACKUP.json (backup.h). Plain functions.

// 1: no FORMAT, no checkpoints; the log says 1. 2: this one.
inline constexpr uint64_t kDataFormat = 2;

std::string FormatFileIn(const std::string& data_dir);
std::string LogIn(const std::string& data_dir);
std::string SnapshotsIn(const std::string& data_dir);
std::string CheckpointsIn(const std::string& data_dir);
std::string HistoryIn(const std::string& data_dir);
std::string BackupManifestIn(const std::string& data_dir);

// Before anything of the directory is opened: OK for a directory that is new,
// of the present format, or of an older one, which opening the log brings up to
// date. FAILED_PRECONDITION if it is of a newer taud, or of none and not empty;
// DATA_LOSS if FORMAT is damaged, or says that there is a log and there is
// none.
absl::Status CheckDataDirectory(const std::string& data_dir);

// Names the present format, if that was not done.
absl::Status MarkDataDirectory(const std::string& data_dir);

// The same once the log was opened and before it is changed: `log_format` is
// what it says itself, 0 for nothing. DATA_LOSS if FORMAT is missing beside a
// log that no taud leaves without one.
absl::Status MarkOpenedDirectory(const std::string& data_dir, int log_format,
                                 bool has_data);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_DATA_DIRECTORY_H_
