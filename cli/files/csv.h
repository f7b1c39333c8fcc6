#ifndef TAUD_CLI_FILES_CSV_H_
#define TAUD_CLI_FILES_CSV_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Comma-separated values (RFC 4180) with any one-character separator. Blanks
// around a field do not count, unless quotes hold them. Pure.

namespace taud::cli {

// Takes a record apart that may span lines. One thread's.
class CsvRecord {
 public:
  explicit CsvRecord(char separator) : separator_(separator) {}

  // The first line of a record, or, if the last one left a quote open, the
  // next, with the end of the last one before it. True if the record is whole,
  // false if a quote is open. INVALID_ARGUMENT if something follows a closing
  // quote.
  absl::StatusOr<bool> Add(absl::string_view text);

  // Of a whole record.
  std::vector<std::string>& fields() { return fields_; }

 private:
  const char separator_;
  bool open_ = false;
  std::string field_;  // in quotes, so far
  std::vector<std::string> fields_;
};

// Replaces *fields by the fields of `line`, unquoted. INVALID_ARGUMENT for a
// quote that is not closed, or with something behind it.
absl::Status SplitCsv(absl::string_view line, char separator,
                      std::vector<std::string>* fields);

// `text` as a field that SplitCsv reads back exactly, whatever is in it.
std::string CsvField(absl::string_view text);

// The separator of a header: the one of , ; tab that it has most of; 0 if it
// has none.
char GuessSeparator(absl::string_view header);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_CSV_H_
