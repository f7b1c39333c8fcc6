#ifndef TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_
#define TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace taud::server {

// Whether a caller may have a backup written to `directory`: an absolute path
// below `root` (store.backup_root); without a root any absolute path, but only
// for callers on this machine, because the API knows nobody by name and the
// daemon's user may write where its clients may not. `peer` is gRPC's name of
// the caller's address. Links are not followed: whoever may make them below
// the root may also name what is behind them.
// INVALID_ARGUMENT for what is no absolute path, PERMISSION_DENIED, saying
// what to set. Pure.
absl::Status CheckBackupPlace(const std::string& directory,
                              const std::string& root, absl::string_view peer);

// INVALID_ARGUMENT for a root that is neither empty nor an absolute path. Pure.
absl::Status CheckBackupRoot(const std::string& root);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_BACKUP_PLACE_H_
