#ifndef TAUD_STORE_LOG_ROCKSDB_STATUS_H_
#define TAUD_STORE_LOG_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace taud::store {

// Translates an error of RocksDB on the database in `directory`; `what` says
// what was being done. The message names both and, where there is one, the
// remedy: no space → RESOURCE_EXHAUSTED, corruption → DATA_LOSS, permission
// or read-only file system → PERMISSION_DENIED, lock held elsewhere or an
// unknown column family → FAILED_PRECONDITION, other I/O → UNAVAILABLE.
// Thread-safe.
absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view what,
                         absl::string_view directory);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_ROCKSDB_STATUS_H_
