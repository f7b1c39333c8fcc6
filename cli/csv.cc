#include "cli/csv.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace taud::cli {

absl::Status SplitCsv(absl::string_view line, char separator,
                      std::vector<std::string>* fields) {
  fields->clear();
  size_t i = 0;
  while (true) {
    std::string field;
    if (i < line.size() && line[i] == '"') {
      for (++i;; ++i) {
        if (i == line.size()) {
          return absl::InvalidArgumentError("a quote is not closed");
        }
        if (line[i] != '"') {
          field.push_back(line[i]);
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          field.push_back(line[++i]);
        } else {
          break;
        }
      }
      ++i;
      if (i < line.size() && line[i] != separator) {
        return absl::InvalidArgumentError("something follows a closing quote");
      }
    } else {
      const size_t end = std::min(line.find(separator, i), line.size());
      field.assign(line.data() + i, end - i);
      i = end;
    }
    fields->push_back(std::move(field));
    if (i >= line.size()) return absl::OkStatus();
    ++i;
  }
}

CsvHeader::CsvHeader(std::vector<std::string> names)
    : names_(std::move(names)) {
  for (std::string& name : names_) {
    absl::StripAsciiWhitespace(&name);
    absl::AsciiStrToLower(&name);
  }
}

int CsvHeader::Find(const std::vector<absl::string_view>& names) const {
  for (const absl::string_view name : names) {
    const auto it = std::find(names_.begin(), names_.end(), name);
    if (it != names_.end()) return static_cast<int>(it - names_.begin());
  }
  return -1;
}

char GuessSeparator(absl::string_view header) {
  char best = 0;
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', '\t', ';'}) {
    const auto count = std::count(header.begin(), header.end(), candidate);
    if (count > most) {
      most = count;
      best = candidate;
    }
  }
  return best;
}

}  // namespace taud::cli
