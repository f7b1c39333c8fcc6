#ifndef TAUD_STORE_FILES_ERRNO_STATUS_H_
#define TAUD_STORE_FILES_ERRNO_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace taud::store {

// The status of a failed system call: what was tried, on which path, why, and
// what the operator can do. ENOSPC, EDQUOT → RESOURCE_EXHAUSTED; EACCES,
// EPERM, EROFS → PERMISSION_DENIED; ENOENT → NOT_FOUND; ENOTDIR, EEXIST,
// EISDIR → FAILED_PRECONDITION; anything else UNAVAILABLE. Thread-safe.
absl::Status ErrnoStatus(int error, absl::string_view what,
                         absl::string_view path);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_ERRNO_STATUS_H_
