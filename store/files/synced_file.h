#ifndef TAUD_STORE_FILES_SYNCED_FILE_H_
#define TAUD_STORE_FILES_SYNCED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "store/files/crc32c.h"

namespace taud::store {

// Size and checksum of a whole file.
struct FileDigest {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
};

// A new file that is on disk, name excepted, when Finish returns OK. Writes
// go through a buffer and into a running CRC32C. After a failed write every
// later call returns that error. Thread-compatible. The destructor closes.
class SyncedFile {
 public:
  // Replaces an existing file.
  explicit SyncedFile(const std::string& path);
  ~SyncedFile();
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;

  void Write(const void* data, size_t size);
  void Write(absl::string_view text) { Write(text.data(), text.size()); }
  // Syncs and closes; what was written, or the first error.
  absl::StatusOr<FileDigest> Finish();

 private:
  void Flush();
  void WriteThrough(const char* data, size_t size);

  const std::string path_;
  int fd_;
  absl::Status status_;
  std::string buffer_;
  uint64_t bytes_ = 0;
  Crc32c crc_;
};

// Makes the names in a directory durable.
absl::Status SyncDirectory(const std::string& path);

// Reads a file from its beginning. Thread-compatible.
class FileReader {
 public:
  // NOT_FOUND, PERMISSION_DENIED, … naming the path.
  static absl::StatusOr<FileReader> Open(const std::string& path);

  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader();

  uint64_t size() const { return size_; }
  // The next `size` bytes; DATA_LOSS if the file ends before.
  absl::Status Read(void* data, size_t size);
  // CRC32C of everything read; ends the use.
  uint32_t FinishCrc32c() { return crc_.Finish(); }

 private:
  FileReader(std::string path, int fd, uint64_t size);

  std::string path_;
  int fd_;
  uint64_t size_;
  Crc32c crc_;
};

// The whole of a small file; DATA_LOSS if it is larger than `limit`.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          uint64_t limit);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SYNCED_FILE_H_
