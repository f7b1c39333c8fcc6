#ifndef TAUD_STORE_FILES_FREE_SPACE_H_
#define TAUD_STORE_FILES_FREE_SPACE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace taud::store {

// OK if the file system of `directory` has at least `min_free_bytes` left, or
// cannot be asked: then the write will tell. RESOURCE_EXHAUSTED says how much
// there is and what can be done. Any thread.
absl::Status CheckFreeSpace(const std::string& directory,
                            uint64_t min_free_bytes);

// Free by capacity of that file system, 0 to 1; 1 if it cannot be asked.
double FreeShare(const std::string& directory);

// The same decision when `free_bytes` are left. Pure.
absl::Status DecideFreeSpace(const std::string& directory, uint64_t free_bytes,
                             uint64_t min_free_bytes);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_FREE_SPACE_H_
