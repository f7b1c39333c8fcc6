#ifndef TAUD_STORE_FILES_SMALL_FILE_H_
#define TAUD_STORE_FILES_SMALL_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::store {

// A text that is replaced as a whole: after a crash it is the old one or the
// new one. It ends with a line that has its CRC32C. Plain functions; one writer
// a path at a time.

// Errors as SyncedFile's.
absl::Status ReplaceSmallFile(const std::string& path, absl::string_view text);

// Empty if there is no file; DATA_LOSS, naming it, if it is damaged or larger
// than `limit`.
absl::StatusOr<std::string> LoadSmallFile(const std::string& path,
                                          uint64_t limit);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SMALL_FILE_H_
