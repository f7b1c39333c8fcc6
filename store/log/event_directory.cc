#include "store/log/event_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "store/files/directories.h"
#include "store/files/errno_status.h"

namespace taud::store {
namespace {

constexpr char kLockFile[] = "taud.lock";

std::string ReadHolder(int fd) {
  std::array<char, 32> text;
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  if (n <= 0) return "another taud";
  return absl::StrCat("another taud (process ",
                      absl::StripAsciiWhitespace(absl::string_view(
                          text.data(), static_cast<size_t>(n))),
                      ")");
}

// Only for the message of the next one who fails; a failure to write it does
// not matter.
void WriteHolder(int fd) {
  const std::string text = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] const ssize_t written =
      pwrite(fd, text.data(), text.size(), 0);
}

}  // namespace

DirectoryContent ClassifyDirectory(const std::vector<std::string>& names) {
  bool data = false;
  for (const std::string& name : names) {
    if (name == "CURRENT") return DirectoryContent::kDatabase;
    // A first creation writes CURRENT before the first log or table.
    data = data || absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log");
  }
  return data ? DirectoryContent::kDamaged : DirectoryContent::kFresh;
}

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(
    const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kLockFile);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "create", path);
  DirectoryLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "lock", path);
    return absl::FailedPreconditionError(
        absl::StrCat(ReadHolder(fd), " holds the data directory ", directory,
                     "; stop it or choose another data directory"));
  }
  WriteHolder(fd);
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<DirectoryLock> PrepareDirectory(const std::string& directory) {
  absl::Status made = MakeDirectories(directory);
  if (!made.ok()) return made;
  absl::StatusOr<DirectoryLock> lock = DirectoryLock::Acquire(directory);
  if (!lock.ok()) return lock.status();
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(directory);
  if (!names.ok()) return names.status();
  if (ClassifyDirectory(*names) == DirectoryContent::kDamaged) {
    return absl::DataLossError(
        absl::StrCat(directory,
                     "/CURRENT is missing beside the data of an "
                     "event store; restore the directory from a backup"));
  }
  return lock;
}

}  // namespace taud::store
