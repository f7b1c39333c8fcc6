#include "store/files/synced_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "store/files/errno_status.h"

namespace taud::store {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 18;
// Checksummed while it is still in the cache.
constexpr size_t kPieceBytes = size_t{1} << 18;

// write(2), unless a test has made the disk refuse.
ssize_t WriteSome(int fd, const char* data, size_t size) {
  if (TAUD_SYNC_POINT_INJECTS("disk/read-only")) {
    errno = EROFS;
    return -1;
  }
  return write(fd, data, size);
}

}  // namespace

SyncedFile::SyncedFile(const std::string& path)
    : path_(path),
      fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
  if (fd_ < 0) status_ = ErrnoStatus(errno, "create", path_);
  buffer_.reserve(kBufferBytes);
}

SyncedFile::~SyncedFile() {
  if (fd_ >= 0) close(fd_);
}

void SyncedFile::Write(const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  if (buffer_.size() + size > kBufferBytes) Flush();
  if (size >= kBufferBytes) {
    WriteThrough(bytes, size);
  } else {
    buffer_.append(bytes, size);
  }
}

void SyncedFile::Flush() {
  WriteThrough(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void SyncedFile::WriteThrough(const char* data, size_t size) {
  while (size > 0 && status_.ok()) {
    const ssize_t written = WriteSome(fd_, data, std::min(size, kPieceBytes));
    if (written < 0) {
      if (errno == EINTR) continue;
      status_ = ErrnoStatus(errno, "write", path_);
      return;
    }
    crc_.Update(data, static_cast<size_t>(written));
    bytes_ += static_cast<uint64_t>(written);
    data += written;
    size -= static_cast<size_t>(written);
  }
}

absl::StatusOr<FileDigest> SyncedFile::Finish() {
  Flush();
  if (status_.ok() && fsync(fd_) != 0) {
    status_ = ErrnoStatus(errno, "sync", path_);
  }
  if (!status_.ok()) return status_;
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) return ErrnoStatus(errno, "close", path_);
  return FileDigest{bytes_, crc_.Finish()};
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open directory", path);
  const bool synced = fsync(fd) == 0;
  const int error = errno;
  close(fd);
  return synced ? absl::OkStatus() : ErrnoStatus(error, "sync directory", path);
}

absl::StatusOr<FileReader> FileReader::Open(const std::string& path) {
  // A pipe would keep it waiting for whoever writes into it.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  FileReader reader(path, fd, 0);
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::DataLossError(absl::StrCat(path, " is not a file"));
  }
  reader.size_ = static_cast<uint64_t>(info.st_size);
  return reader;
}

FileReader::FileReader(std::string path, int fd, uint64_t size)
    : path_(std::move(path)), fd_(fd), size_(size) {}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      crc_(std::move(other.crc_)) {}

FileReader::~FileReader() {
  if (fd_ >= 0) close(fd_);
}

absl::Status FileReader::Read(void* data, size_t size) {
  char* bytes = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = read(fd_, bytes, std::min(size, kPieceBytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "read", path_);
    if (n == 0) {
      return absl::DataLossError(
          absl::StrCat(path_, " ends ", size, " bytes early"));
    }
    crc_.Update(bytes, static_cast<size_t>(n));
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          uint64_t limit) {
  absl::StatusOr<FileReader> reader = FileReader::Open(path);
  if (!reader.ok()) return reader.status();
  if (reader->size() > limit) {
    return absl::DataLossError(absl::StrCat(path, " has ", reader->size(),
                                            " bytes, at most ", limit,
                                            " are expected"));
  }
  std::string text(reader->size(), '\0');
  absl::Status status = reader->Read(text.data(), text.size());
  if (!status.ok()) return status;
  return text;
}

}  // namespace taud::store
