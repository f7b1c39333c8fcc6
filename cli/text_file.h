#ifndef TAUD_CLI_TEXT_FILE_H_
#define TAUD_CLI_TEXT_FILE_H_

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace taud::cli {

// Reads a text file line by line: "\n" or "\r\n", a UTF-8 byte order mark is
// skipped, and a line is never longer than kMaxLineBytes. One thread's.
class TextFile {
 public:
  static constexpr size_t kMaxLineBytes = 16 << 20;

  enum class Outcome { kLine, kTooLong, kEnd };

  // NOT_FOUND if it cannot be opened, INVALID_ARGUMENT for a directory.
  static absl::StatusOr<std::unique_ptr<TextFile>> Open(
      const std::string& path);

  // The next line, without its end. Of a line that is too long, *line holds
  // the beginning, and the rest is skipped.
  Outcome Next(std::string* line);

  uint64_t line_number() const { return line_number_; }  // of the last one
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  TextFile(std::ifstream file, uint64_t total_bytes);
  // One byte, or a negative number at the end.
  int Get();

  std::ifstream file_;
  const uint64_t total_bytes_;
  uint64_t bytes_read_ = 0;
  uint64_t line_number_ = 0;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_TEXT_FILE_H_
