#include "store/files/directories.h"

#include <filesystem>
#include <system_error>

#include "store/files/errno_status.h"

namespace taud::store {

namespace fs = std::filesystem;

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), "create directory", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  while (!error && it != fs::directory_iterator()) {
    names.push_back(it->path().filename().string());
    it.increment(error);
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  return names;
}

}  // namespace taud::store
