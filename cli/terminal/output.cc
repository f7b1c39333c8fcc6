#include "cli/terminal/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "google/protobuf/util/json_util.h"
#include "model/utf8.h"

namespace taud::cli {
namespace {

constexpr size_t kMaxCell = 60;
constexpr size_t kLeastOfLast = 10;
constexpr size_t kUsualWidth = 80;

// The character of UTF-8 that `text` begins with, and how many bytes it has; 0
// bytes if it begins with none.
std::pair<uint32_t, size_t> FirstCharacter(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes > text.size() || !model::IsUtf8(text.substr(0, bytes))) {
    return {0, 0};
  }
  constexpr uint32_t kLeadBits[] = {0x7F, 0x1F, 0x0F, 0x07};
  uint32_t character = lead & kLeadBits[bytes - 1];
  for (size_t i = 1; i < bytes; ++i) {
    character = character << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  return {character, bytes};
}

bool IsHarmful(uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool bidirectional = c == 0x61C || c == 0x200E || c == 0x200F ||
                             (c >= 0x2028 && c <= 0x202E) ||
                             (c >= 0x2066 && c <= 0x2069);
  return control || bidirectional;
}

std::string Escape(uint32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return c < 0x80 ? absl::StrFormat("\\x%02x", c)
                  : absl::StrFormat("\\u%04x", c);
}

// Characters, not bytes, of UTF-8.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Lines of `most` characters at most, unless one word is longer.
std::vector<std::string> Wrap(absl::string_view cell, size_t most) {
  if (Width(cell) <= most) return {std::string(cell)};
  std::vector<std::string> lines;
  for (const absl::string_view word : absl::StrSplit(cell, ' ')) {
    if (lines.empty() || Width(lines.back()) + 1 + Width(word) > most) {
      lines.emplace_back(word);
    } else {
      absl::StrAppend(&lines.back(), " ", word);
    }
  }
  return lines;
}

// How many bytes the first `characters` of UTF-8 have.
size_t BytesOf(absl::string_view text, size_t characters) {
  size_t at = 0;
  while (at < text.size() && characters > 0) {
    ++at;
    --characters;
    while (at < text.size() &&
           (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
      ++at;
    }
  }
  return at;
}

// The same, and longer words are broken.
std::vector<std::string> WrapStrictly(absl::string_view text, size_t most) {
  std::vector<std::string> lines;
  for (const std::string& line : Wrap(text, most)) {
    absl::string_view left = line;
    while (Width(left) > most) {
      const size_t bytes = BytesOf(left, most);
      lines.emplace_back(left.substr(0, bytes));
      left.remove_prefix(bytes);
    }
    lines.emplace_back(left);
  }
  return lines;
}

void AppendCell(const std::string& cell, size_t width, bool right, bool last,
                std::string* line) {
  const std::string padding(width - Width(cell), ' ');
  if (right) absl::StrAppend(line, padding, cell);
  if (!right) absl::StrAppend(line, cell, last ? "" : padding);
  if (!last) line->append("  ");
}

}  // namespace

std::string Inert(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [character, bytes] = FirstCharacter(text);
    if (bytes == 0) {
      absl::StrAppendFormat(&out, "\\x%02x",
                            static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (IsHarmful(character)) {
      out.append(Escape(character));
    } else {
      out.append(text.data(), bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::string InertLines(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    lines.push_back(Inert(line));
  }
  return absl::StrJoin(lines, "\n");
}

Table::Table(std::vector<std::string> headings)
    : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    right_.push_back(heading[0] == '>');
    if (heading[0] == '>') heading.erase(0, 1);
    heading = Inert(heading);
  }
}

Table Table::OfProperties(std::string name, std::string value) {
  Table table;
  table.headings_ = {Inert(name), Inert(value)};
  table.right_ = {false, false};
  return table;
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Inert(cell);
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const { return Format(0); }

std::string Table::ToString(size_t width) const {
  size_t others = 0;
  for (size_t c = 0; c + 1 < headings_.size(); ++c) {
    size_t widest = Width(headings_[c]);
    for (const auto& row : rows_) {
      widest = std::max(widest, std::min(Width(row[c]), kMaxCell));
    }
    others += widest + 2;
  }
  return Format(width > others + kLeastOfLast ? width - others : kLeastOfLast);
}

// `most_of_last`: how wide the last column may be; 0: as the others.
std::string Table::Format(size_t most_of_last) const {
  // Every row as one or more lines of cells.
  std::vector<std::vector<std::string>> lines = {headings_};
  for (const auto& row : rows_) {
    const size_t first = lines.size();
    for (size_t c = 0; c < row.size(); ++c) {
      const bool narrow = most_of_last > 0 && c + 1 == row.size();
      const std::vector<std::string> parts =
          narrow ? WrapStrictly(row[c], most_of_last) : Wrap(row[c], kMaxCell);
      for (size_t i = 0; i < parts.size(); ++i) {
        if (lines.size() == first + i) lines.emplace_back(headings_.size());
        lines[first + i][c] = parts[i];
      }
    }
  }
  std::vector<size_t> widths(headings_.size(), 0);
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) {
      widths[c] = std::max(widths[c], Width(line[c]));
    }
  }
  std::string out;
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) {
      AppendCell(line[c], widths[c], right_[c], c + 1 == line.size(), &out);
    }
    out.push_back('\n');
  }
  return out;
}

std::string Wrapped(absl::string_view text, size_t width) {
  return absl::StrCat(absl::StrJoin(WrapStrictly(text, width), "\n"), "\n");
}

size_t TerminalWidth() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  size_t columns = 0;
  const char* told = std::getenv("COLUMNS");
  if (told != nullptr && absl::SimpleAtoi(told, &columns) && columns > 0) {
    return columns;
  }
  return kUsualWidth;
}

std::string ToJson(const google::protobuf::Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return "{}\n";
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return json;
}

std::string Count(uint64_t n) {
  std::string digits = absl::StrCat(n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

std::string AgeOf(int64_t then_ms, int64_t now_ms) {
  if (then_ms == 0) return "never";
  const double seconds =
      std::max(0.0, static_cast<double>(now_ms - then_ms) / 1000);
  if (seconds < 120) return absl::StrFormat("%.1f s ago", seconds);
  if (seconds < 7200) return absl::StrFormat("%.0f min ago", seconds / 60);
  if (seconds < 172800) return absl::StrFormat("%.0f h ago", seconds / 3600);
  return absl::StrFormat("%.0f days ago", seconds / 86400);
}

std::string TimeOf(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixMillis(unix_ms), absl::UTCTimeZone());
}

std::string Fixed(double value, int digits) {
  return absl::StrFormat("%.*f", digits, value);
}

std::string Bytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  const auto kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024) return absl::StrFormat("%.1f KiB", kib);
  if (kib < 1024 * 1024) return absl::StrFormat("%.1f MiB", kib / 1024);
  return absl::StrFormat("%.1f GiB", kib / 1024 / 1024);
}

}  // namespace taud::cli
