#ifndef TAUD_STORE_FILES_SNAPSHOT_FILES_H_
#define TAUD_STORE_FILES_SNAPSHOT_FILES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/dictionary.h"
#include "model/snapshot.h"
#include "store/files/snapshot_retention.h"

namespace taud::store {

// Snapshots on disk, one directory `<root>/<version, 20 digits>/` each:
// manifest.json (format version, snapshot version, trained-through sequence,
// creation time, sizes, dimension, tau0, metrics, name, bytes and CRC32C of
// each other file, and a CRC32C of itself), users.npy and items.npy (float32,
// [rows × dim]), temperatures.npy (float32), user_degree.npy and
// item_popularity.npy (uint32), user_ids.txt and item_ids.txt (one JSON string
// a line, by index).
//
// Written into a temporary directory beside, each file and both directories
// synced, then renamed: a directory with a number for a name is complete.
// Plain functions, thread-compatible; one writer at a time per root.

struct SnapshotInfo {
  model::SnapshotVersion version = 0;
  model::Sequence trained_through = 0;
  int64_t created_ms = 0;
  uint64_t users = 0;
  uint64_t items = 0;
  uint64_t dim = 0;
  uint64_t bytes = 0;
  std::map<std::string, double> metrics;
};

// Writes `snapshot`; the ids of its rows come from the dictionaries, which may
// have more. ALREADY_EXISTS if the version is there; INVALID_ARGUMENT if
// LoadSnapshot would refuse it; RESOURCE_EXHAUSTED if the disk is full;
// PERMISSION_DENIED. Root and parents are created. On error nothing but an
// ignorable temporary directory remains.
absl::Status SaveSnapshot(const std::string& root,
                          const model::Snapshot& snapshot,
                          const model::Dictionary& users,
                          const model::Dictionary& items);

// Reads and checks one: sizes, shapes, CRC32C of every file, and
// model::ValidateSnapshot. A metric that was not finite is NaN. NOT_FOUND;
// DATA_LOSS naming the file; FAILED_PRECONDITION: another format version.
absl::StatusOr<std::unique_ptr<model::Snapshot>> LoadSnapshot(
    const std::string& root, model::SnapshotVersion version);

// The manifests under `root`, oldest first; damaged ones are left out (and
// logged). A missing root is an empty list.
absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots(
    const std::string& root);

// Writes `snapshot` in place of the one of its version: after a crash it is the
// old one or the new one, where the file system can exchange two directories,
// as Linux' own can. Errors as SaveSnapshot's, NOT_FOUND instead of
// ALREADY_EXISTS.
absl::Status ReplaceSnapshot(const std::string& root,
                             const model::Snapshot& snapshot,
                             const model::Dictionary& users,
                             const model::Dictionary& items);

// The versions of complete directories, damaged ones among them, ascending.
absl::StatusOr<std::vector<model::SnapshotVersion>> SnapshotVersions(
    const std::string& root);

// Removes one (NOT_FOUND), or all but those to be left (temporary directories
// are removed, too).
absl::Status DeleteSnapshot(const std::string& root,
                            model::SnapshotVersion version);
absl::Status PruneSnapshots(const std::string& root,
                            const SnapshotRetention& retention);

// Removes what an interrupted writing or removal left.
absl::Status RemoveTemporarySnapshots(const std::string& root);

// The version that serves whatever is published, `<root>/pinned`; 0: none.
// DATA_LOSS names the file.
absl::StatusOr<model::SnapshotVersion> ReadPinned(const std::string& root);
absl::Status WritePinned(const std::string& root,
                         model::SnapshotVersion version);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SNAPSHOT_FILES_H_
