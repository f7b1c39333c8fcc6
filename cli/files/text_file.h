#ifndef TAUD_CLI_FILES_TEXT_FILE_H_
#define TAUD_CLI_FILES_TEXT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/files/byte_source.h"

namespace taud::cli {

// Reads a text file line by line: "\n" or "\r\n", a UTF-8 byte order mark is
// skipped, and a line is never longer than kMaxLineBytes. The file may be
// packed with gzip or zstd; "-" is standard input. One thread's.
class TextFile {
 public:
  static constexpr size_t kMaxLineBytes = 16 << 20;

  // kFailed: the file cannot be read to its end; status() says why.
  enum class Outcome { kLine, kTooLong, kEnd, kFailed };

  // NOT_FOUND if it cannot be opened, INVALID_ARGUMENT for a directory and for
  // what is plainly no file of lines (file_signatures.h).
  static absl::StatusOr<std::unique_ptr<TextFile>> Open(
      const std::string& path);

  // The next line, without its end. Of a line that is too long, *line holds
  // the beginning, and the rest is skipped.
  Outcome Next(std::string* line);

  // "\n", "\r\n", or nothing: how the last line ended.
  absl::string_view line_end() const { return line_end_; }
  const absl::Status& status() const { return status_; }
  uint64_t line_number() const { return line_number_; }  // of the last one
  // Of the file as it is on disk, packed or not; 0 bytes in all: not known.
  uint64_t bytes_read() const { return bytes_->bytes_read(); }
  uint64_t total_bytes() const { return bytes_->total_bytes(); }

 private:
  explicit TextFile(std::unique_ptr<ByteSource> bytes);
  // Reads more behind what is left of the block; false at the end.
  bool Refill();

  const std::unique_ptr<ByteSource> bytes_;
  std::string block_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t line_number_ = 0;
  absl::string_view line_end_;
  absl::Status status_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_TEXT_FILE_H_
