#ifndef TAUD_CLI_FILES_RECORD_READER_H_
#define TAUD_CLI_FILES_RECORD_READER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/files/columns.h"
#include "cli/files/layout.h"
#include "cli/files/line_reader.h"
#include "cli/files/text_file.h"

namespace taud::cli {

// The fields of an interaction as the file has them, by role; "": not given.
struct Record {
  uint64_t line = 0;  // the first one it is on
  std::string text;   // the beginning of it
  std::array<std::string, kRoles> fields;

  const std::string& Of(Role role) const {
    return fields[static_cast<size_t>(role)];
  }
};

// Finds the records in a file of any layout, without a thought about what is in
// their fields. One thread's.
class RecordReader {
 public:
  // kBad: of *record only line and text are filled in. kFailed: the file cannot
  // be read to its end.
  enum class Outcome { kRecord, kBad, kEnd, kFailed };

  // Errors of opening, of guessing, of columns that are missing or, unless
  // `choice` says which ones count, unknown.
  static absl::StatusOr<std::unique_ptr<RecordReader>> Open(
      const std::string& path, InteractionFormat format,
      const ColumnChoice& choice);

  // *why says what is wrong after kBad and kFailed.
  Outcome Next(Record* record, absl::Status* why);

  InteractionFormat format() const { return format_; }
  // "CSV, ',' between", and, by role, the name of the column it is in.
  std::string LayoutText() const;
  const std::array<std::string, kRoles>& column_names() const { return names_; }
  // Columns that are left out.
  const std::vector<std::string>& left_out() const { return left_out_; }

  uint64_t bytes_read() const { return lines_.bytes_read(); }
  uint64_t total_bytes() const { return lines_.total_bytes(); }

 private:
  using Line = LineReader::Line;

  RecordReader(std::unique_ptr<TextFile> file, ColumnChoice choice)
      : lines_(std::move(file)), choice_(std::move(choice)) {}

  absl::Status Begin(InteractionFormat format);
  absl::StatusOr<InteractionFormat> Guess();
  absl::Status ReadHeader();
  absl::Status CheckFirstObject(const std::string& line);
  absl::Status TakeColumns(const std::vector<std::string>& header);

  absl::Status Parse(const Line& line, Record* record);
  absl::Status SplitRating(std::vector<std::string> fields, Record* record);
  absl::Status ParseJson(absl::string_view line, Record* record);

  LineReader lines_;
  const ColumnChoice choice_;
  InteractionFormat format_ = InteractionFormat::kAuto;

  char separator_ = ',';
  std::vector<std::string> header_;  // of JSON: the names in the last object
  ColumnMap map_;
  std::array<std::string, kRoles> names_;
  std::vector<std::string> left_out_;

  // kAdjacency: the line at hand, and the next of its words.
  std::vector<std::string> words_;
  size_t next_word_ = 0;
  uint64_t words_line_ = 0;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_RECORD_READER_H_
