#ifndef TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_
#define TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::server {

// Whether a caller may have a backup written to `directory`: an absolute path
// below `root` (store.backup_root); without a root any absolute path, but only
// for callers on this machine, because the API knows nobody by name and the
// daemon's user may write where its clients may not; and never into `data_dir`,
// where an erasure would have to reach it. `peer` is gRPC's name of the
// caller's address. INVALID_ARGUMENT for what is no absolute path or lies in
// the data directory, PERMISSION_DENIED, saying what to set. Pure: links are
// not followed.
absl::Status CheckBackupPlace(const std::string& directory,
                              const std::string& root,
                              const std::string& data_dir,
                              absl::string_view peer);

// The same of the place that `directory` really is, every link on its way
// followed, which is returned: a link below the root may lead out of it, and
// one elsewhere into the data directory.
absl::StatusOr<std::string> ResolveBackupPlace(const std::string& directory,
                                               const std::string& root,
                                               const std::string& data_dir,
                                               absl::string_view peer);

// INVALID_ARGUMENT for a root that is neither empty nor an absolute path. Pure.
absl::Status CheckBackupRoot(const std::string& root);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_
