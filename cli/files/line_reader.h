#ifndef TAUD_CLI_FILES_LINE_READER_H_
#define TAUD_CLI_FILES_LINE_READER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/files/text_file.h"

namespace taud::cli {

// The lines of a text file, some of which can be put back, and records of CSV
// that span several of them. One thread's.
class LineReader {
 public:
  struct Line {
    TextFile::Outcome outcome = TextFile::Outcome::kEnd;
    uint64_t number = 0;
    std::string text;
    std::string end;
  };

  explicit LineReader(std::unique_ptr<TextFile> file)
      : file_(std::move(file)) {}

  Line Next();
  // Before the line that would come next, in their order.
  void PutBack(std::vector<Line> lines);

  // The first line that is not empty, which stays the next one.
  // INVALID_ARGUMENT if there is none, or if it is too long for a line.
  absl::StatusOr<Line> First();
  // The next lines up to a thousand or a MiB, which stay the next ones; at the
  // end of the file the last of them is its kEnd.
  const std::deque<Line>& Peek();

  // The fields of a record that begins with `line` and may take further lines;
  // `width` of them, 0: any number. INVALID_ARGUMENT if it is no such record;
  // then `line` alone is used up.
  absl::StatusOr<std::vector<std::string>> ReadCsv(const Line& line,
                                                   char separator,
                                                   size_t width);

  // Why an outcome of a line is no line to read.
  absl::Status Why(TextFile::Outcome outcome) const;
  uint64_t bytes_read() const { return file_->bytes_read(); }
  uint64_t total_bytes() const { return file_->total_bytes(); }

 private:
  const std::unique_ptr<TextFile> file_;
  std::deque<Line> ahead_;
};

// What is shown of a line that cannot be used: its beginning, whole characters.
std::string Beginning(const std::string& line);

// Whether there is nothing but blanks.
bool IsBlankLine(const std::string& line);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_LINE_READER_H_
