#ifndef TAUD_CLI_CSV_H_
#define TAUD_CLI_CSV_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// Comma-separated values (RFC 4180) with any one-character separator, except
// that a quoted field does not span lines. Pure.

namespace taud::cli {

// Replaces *fields by the fields of `line`, unquoted. INVALID_ARGUMENT for a
// quote that is not closed, or with something behind it.
absl::Status SplitCsv(absl::string_view line, char separator,
                      std::vector<std::string>* fields);

// The columns of a header, found by any of several names, whatever their case.
class CsvHeader {
 public:
  CsvHeader() = default;
  CsvHeader(std::vector<std::string> names);

  // The column with the first of `names` that the header has; -1 if none.
  int Find(const std::vector<absl::string_view>& names) const;
  size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;  // lower case, trimmed
};

// The separator of a header: the one of , ; tab that it has most of; 0 if it
// has none.
char GuessSeparator(absl::string_view header);

}  // namespace taud::cli

#endif  // TAUD_CLI_CSV_H_
