#ifndef TAUD_STORE_FILES_SNAPSHOT_MANIFEST_H_
#define TAUD_STORE_FILES_SNAPSHOT_MANIFEST_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "store/files/snapshot_files.h"
#include "store/files/synced_file.h"

namespace taud::store {

inline constexpr int kSnapshotFormatVersion = 1;
inline constexpr char kManifestFile[] = "manifest.json";

// What manifest.json says. `info.bytes` is not in it: it is the sum of the
// files and the manifest itself.
struct SnapshotManifest {
  SnapshotInfo info;
  float tau0 = 0;
  std::map<std::string, FileDigest> files;  // by name
};

// The text of manifest.json: JSON with sorted keys, indented, and a CRC32C of
// the rest of itself. A metric that is not finite becomes null.
// INVALID_ARGUMENT if a name is not UTF-8.
absl::StatusOr<std::string> FormatManifest(const SnapshotManifest& manifest);

// Accepts only what FormatManifest writes, byte for byte. DATA_LOSS says what
// is wrong; FAILED_PRECONDITION: another format version. The message lacks
// the file's name. Null metrics come back as NaN.
absl::StatusOr<SnapshotManifest> ParseManifest(const std::string& text);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SNAPSHOT_MANIFEST_H_
