#include "store/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "store/errno_status.h"

namespace taud::store {
namespace {

absl::Status WriteAll(int fd, const std::string& contents,
                      const std::string& path) {
  size_t written = 0;
  while (written < contents.size()) {
    const ssize_t n =
        write(fd, contents.data() + written, contents.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "write", path);
    written += static_cast<size_t>(n);
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "sync", path);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  const int failed = fsync(fd);
  const int error = errno;
  close(fd);
  return failed == 0 ? absl::OkStatus() : ErrnoStatus(error, "sync", path);
}

}  // namespace

absl::Status ReplaceFile(const std::string& path, const std::string& contents) {
  const std::string directory =
      std::filesystem::path(path).parent_path().string();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "create", directory);
  const std::string temporary = absl::StrCat(path, ".tmp");
  const int fd = open(temporary.c_str(),
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "create", temporary);
  absl::Status status = WriteAll(fd, contents, temporary);
  if (close(fd) != 0 && status.ok()) {
    status = ErrnoStatus(errno, "close", temporary);
  }
  if (!status.ok()) return status;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, "rename", temporary);
  }
  return SyncDirectory(directory);
}

}  // namespace taud::store
