#include "cli/files/csv.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace taud::cli {

namespace {

// A tab is a blank, unless it separates.
bool IsBlank(char c, char separator) {
  return c == ' ' || (c == '\t' && separator != '\t');
}

absl::string_view Trimmed(absl::string_view text, char separator) {
  while (!text.empty() && IsBlank(text.front(), separator)) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsBlank(text.back(), separator)) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

absl::StatusOr<bool> CsvRecord::Add(absl::string_view text) {
  size_t i = 0;
  if (!open_) fields_.clear();
  while (true) {
    if (!open_) {
      size_t begin = i;
      while (begin < text.size() && IsBlank(text[begin], separator_)) ++begin;
      if (begin < text.size() && text[begin] == '"') {
        open_ = true;
        field_.clear();
        i = begin + 1;
      }
    }
    if (open_) {
      for (; i < text.size(); ++i) {
        if (text[i] != '"') {
          field_.push_back(text[i]);
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          field_.push_back(text[++i]);
        } else {
          open_ = false;
          break;
        }
      }
      if (open_) return false;
      ++i;
      while (i < text.size() && IsBlank(text[i], separator_)) ++i;
      if (i < text.size() && text[i] != separator_) {
        return absl::InvalidArgumentError("something follows a closing quote");
      }
      fields_.push_back(std::move(field_));
    } else {
      const size_t end = std::min(text.find(separator_, i), text.size());
      fields_.emplace_back(Trimmed(text.substr(i, end - i), separator_));
      i = end;
    }
    if (i >= text.size()) return true;
    ++i;
  }
}

absl::Status SplitCsv(absl::string_view line, char separator,
                      std::vector<std::string>* fields) {
  CsvRecord record(separator);
  const auto whole = record.Add(line);
  if (!whole.ok()) return whole.status();
  if (!*whole) return absl::InvalidArgumentError("a quote is not closed");
  *fields = std::move(record.fields());
  return absl::OkStatus();
}

std::string CsvField(absl::string_view text) {
  const bool plain =
      text.find_first_of(",;\"\r\n\t") == absl::string_view::npos &&
      (text.empty() || (text.front() != ' ' && text.back() != ' '));
  if (plain) return std::string(text);
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
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
