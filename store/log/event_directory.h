#ifndef TAUD_STORE_LOG_EVENT_DIRECTORY_H_
#define TAUD_STORE_LOG_EVENT_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace taud::store {

// What a directory that is to hold the event store contains.
enum class DirectoryContent {
  kFresh,     // nothing, or what a creation that was cut short left
  kDatabase,  // a database
  kDamaged,   // data of a database without the file that says which is current
};

// Decides from the names in the directory. RocksDB by itself would create an
// empty database over the data of a damaged one. Pure.
DirectoryContent ClassifyDirectory(const std::vector<std::string>& names);

// The right to use a directory, held by one object in one process at a time.
// It is the kernel's lock on the file `taud.lock`, so it ends with the
// process however that ends. Movable, thread-compatible.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION, naming the directory and the holder's process id, if
  // another object or process holds it.
  static absl::StatusOr<DirectoryLock> Acquire(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}

  int fd_;  // -1 after a move
};

// Creates `directory` and its parents if missing, checks that files can be
// made in it, takes its lock and refuses damaged content (DATA_LOSS).
absl::StatusOr<DirectoryLock> PrepareDirectory(const std::string& directory);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_DIRECTORY_H_
