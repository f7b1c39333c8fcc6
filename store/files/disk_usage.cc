#include "store/files/disk_usage.h"

#include <filesystem>
#include <system_error>

namespace taud::store {

namespace fs = std::filesystem;

DiskSpace SpaceOf(const std::string& directory) {
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  if (error) return {};
  return {space.available, space.capacity};
}

uint64_t BytesBelow(const std::string& directory) {
  std::error_code error;
  fs::recursive_directory_iterator entry(
      directory, fs::directory_options::skip_permission_denied, error);
  uint64_t bytes = 0;
  while (!error && entry != fs::recursive_directory_iterator()) {
    std::error_code gone;
    if (entry->is_regular_file(gone) && !entry->is_symlink(gone)) {
      const uint64_t size = entry->file_size(gone);
      if (!gone) bytes += size;
    }
    entry.increment(error);
  }
  return bytes;
}

}  // namespace taud::store
