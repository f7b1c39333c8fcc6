#ifndef TAUD_CLI_FILES_BYTE_SOURCE_H_
#define TAUD_CLI_FILES_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace taud::cli {

// The bytes of a file from its beginning to its end. One thread's.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Up to `size` bytes into `out`; 0 at the end. UNAVAILABLE if reading fails,
  // DATA_LOSS if a packed file is damaged or cut short. REQUIRES: size > 0.
  virtual absl::StatusOr<size_t> Read(char* out, size_t size) = 0;

  // How far the file itself was read, packed or not, and its size; 0 where it
  // has none (a pipe).
  virtual uint64_t bytes_read() const = 0;
  virtual uint64_t total_bytes() const = 0;
};

// The file, or standard input for "-", unpacked if it begins as gzip or zstd
// begin, whatever its name. NOT_FOUND if it cannot be opened, INVALID_ARGUMENT
// for a directory.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenBytes(const std::string& path);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_BYTE_SOURCE_H_
