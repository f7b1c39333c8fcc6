#ifndef TAUD_STORE_FILES_VERSION_RESERVATION_H_
#define TAUD_STORE_FILES_VERSION_RESERVATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/types.h"

namespace taud::store {

// A snapshot version that a client has seen must never name another snapshot,
// though not every served snapshot is saved. Versions are therefore reserved
// on disk, in the file `<root>/reserved_versions`, before they are used.
// Plain functions; one process at a time per root.

// The last version ever reserved; 0 if none was. DATA_LOSS if the file does
// not hold a number, or is missing beside snapshots.
absl::StatusOr<model::SnapshotVersion> LastReservedVersion(
    const std::string& root);

// Reserves a block of versions after `used` and returns the last of them.
// Creates the root. Durable when it returns.
absl::StatusOr<model::SnapshotVersion> ReserveVersions(
    const std::string& root, model::SnapshotVersion used);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_VERSION_RESERVATION_H_
