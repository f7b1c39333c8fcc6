#ifndef TAUD_STORE_FILES_SNAPSHOT_PARTS_H_
#define TAUD_STORE_FILES_SNAPSHOT_PARTS_H_

#include <string>

#include "absl/status/status.h"
#include "model/dictionary.h"
#include "model/snapshot.h"
#include "store/files/snapshot_manifest.h"

namespace taud::store {

// The files inside one snapshot's directory. Plain functions,
// thread-compatible.

// A part of a snapshot that is not there is damage; other errors stay what
// they are.
absl::Status MissingIsDamage(const absl::Status& status);

// Writes every file of the snapshot, the manifest last, and syncs them and
// the directory, which must exist. REQUIRES: the snapshot is valid and the
// dictionaries have ids for its rows.
absl::Status WriteSnapshotParts(const std::string& directory,
                                const model::Snapshot& s,
                                const model::Dictionary& users,
                                const model::Dictionary& items);

// Reads the files that the manifest lists into *snapshot, each checked for
// size, shape and CRC32C. DATA_LOSS names the file.
absl::Status ReadSnapshotParts(const std::string& directory,
                               const SnapshotManifest& manifest,
                               model::Snapshot* snapshot);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SNAPSHOT_PARTS_H_
