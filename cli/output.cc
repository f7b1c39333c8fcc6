#include "cli/output.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "google/protobuf/util/json_util.h"

namespace taud::cli {
namespace {

constexpr size_t kMaxCell = 60;

// Characters, not bytes, of UTF-8.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Cut(std::string cell) {
  // A control character would move the terminal's cursor.
  for (char& c : cell) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (Width(cell) <= kMaxCell) return cell;
  size_t end = 0;
  for (size_t width = 0; end < cell.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(cell[end]) & 0xC0) != 0x80;
    if (starts && width++ == kMaxCell - 1) break;
  }
  return cell.substr(0, end) + "…";
}

void AppendCell(const std::string& cell, size_t width, bool right, bool last,
                std::string* line) {
  const std::string padding(width - Width(cell), ' ');
  if (right) absl::StrAppend(line, padding, cell);
  if (!right) absl::StrAppend(line, cell, last ? "" : padding);
  if (!last) line->append("  ");
}

}  // namespace

Table::Table(std::vector<std::string> headings)
    : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    right_.push_back(heading[0] == '>');
    if (heading[0] == '>') heading.erase(0, 1);
  }
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Cut(std::move(cell));
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(Width(heading));
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], Width(row[c]));
    }
  }
  std::string out;
  const auto append = [&](const std::vector<std::string>& cells) {
    for (size_t c = 0; c < cells.size(); ++c) {
      AppendCell(cells[c], widths[c], right_[c], c + 1 == cells.size(), &out);
    }
    out.push_back('\n');
  };
  append(headings_);
  for (const auto& row : rows_) append(row);
  return out;
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
