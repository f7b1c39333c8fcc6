#include "server/audit/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "store/files/errno_status.h"
#include "store/files/synced_file.h"

namespace taud::server {
namespace {

std::string DirectoryOf(const std::string& path) {
  const std::string directory =
      std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

}  // namespace

void AuditFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::Status AuditFile::Open() {
  const std::string& path = options_.path;
  // No link: whoever may make one in the directory would choose the file.
  fd_ = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
             S_IRUSR | S_IWUSR);
  if (fd_ < 0) return store::ErrnoStatus(errno, "open", path);
  struct stat info = {};
  if (fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    Close();
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is no regular file"));
  }
  size_ = static_cast<uint64_t>(info.st_size);
  // A process that was killed may have left half a line.
  char last = '\n';
  if (size_ > 0) (void)!pread(fd_, &last, 1, info.st_size - 1);
  if (last != '\n') {
    absl::Status status = Write("\n");
    if (!status.ok()) return status;
  }
  return store::SyncDirectory(DirectoryOf(path));
}

bool AuditFile::IsThere() const {
  struct stat open_file = {};
  struct stat named = {};
  return fd_ >= 0 && fstat(fd_, &open_file) == 0 &&
         stat(options_.path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

absl::Status AuditFile::Append(absl::string_view lines, bool sync) {
  if (!IsThere()) Close();
  absl::Status status;
  if (fd_ < 0) status = Open();
  if (status.ok() && size_ >= options_.max_bytes) status = Rotate();
  if (!status.ok()) return status;
  const uint64_t before = size_;
  status = Write(lines);
  if (status.ok() && sync && fdatasync(fd_) != 0) {
    status = store::ErrnoStatus(errno, "sync", options_.path);
    // What the system could not write it may say it has the next time: only a
    // file that is opened anew tells.
    if (ftruncate(fd_, static_cast<off_t>(before)) == 0) size_ = before;
    Close();
  }
  return status;
}

absl::Status AuditFile::Write(absl::string_view lines) {
  absl::string_view left = lines;
  while (!left.empty()) {
    const ssize_t written = write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // Half a line is none. If it cannot be taken back, the next opening ends
      // it.
      if (ftruncate(fd_, static_cast<off_t>(size_)) != 0) Close();
      return store::ErrnoStatus(error, "write", options_.path);
    }
    left.remove_prefix(static_cast<size_t>(written));
  }
  size_ += lines.size();
  return absl::OkStatus();
}

absl::Status AuditFile::Rotate() {
  if (fdatasync(fd_) != 0) {
    return store::ErrnoStatus(errno, "sync", options_.path);
  }
  const auto name = [this](size_t n) {
    return n == 0 ? options_.path : absl::StrCat(options_.path, ".", n);
  };
  for (size_t n = options_.keep; n > 0; --n) {
    const std::string from = name(n - 1);
    if (rename(from.c_str(), name(n).c_str()) != 0 && errno != ENOENT) {
      return store::ErrnoStatus(errno, "rename", from);
    }
  }
  Close();
  return Open();
}

}  // namespace taud::server
