#ifndef TAUD_STORE_FILES_DISK_USAGE_H_
#define TAUD_STORE_FILES_DISK_USAGE_H_

#include <cstdint>
#include <string>

// How much of a disk is used, for people who watch it. Plain functions, any
// thread; they ask the file system, which may take its time.

namespace taud::store {

struct DiskSpace {
  uint64_t free_bytes = 0;  // that this process may use
  uint64_t capacity_bytes = 0;
};

// Of the file system of `directory`; zeros if it cannot be asked.
DiskSpace SpaceOf(const std::string& directory);

// The sizes of all files below `directory`. What vanishes meanwhile, or cannot
// be read, counts nothing; a file that has several names counts once for each.
uint64_t BytesBelow(const std::string& directory);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_DISK_USAGE_H_
