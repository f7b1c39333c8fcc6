#ifndef TAUD_STORE_FILES_DIRECTORIES_H_
#define TAUD_STORE_FILES_DIRECTORIES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace taud::store {

// Plain functions, any thread. Errors as ErrnoStatus.

// Makes the directory and its parents; nothing if it is there.
absl::Status MakeDirectories(const std::string& path);

// The names in a directory, in no order; a missing one has none.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& directory);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_DIRECTORIES_H_
