#ifndef TAUD_STORE_DURABLE_FILE_H_
#define TAUD_STORE_DURABLE_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace taud::store {

// Replaces the file at `path` (whose directory is created if missing) by
// `contents`, durably and whole: after a crash it is the old file or the new
// one. One writer per path at a time.
absl::Status ReplaceFile(const std::string& path, const std::string& contents);

}  // namespace taud::store

#endif  // TAUD_STORE_DURABLE_FILE_H_
