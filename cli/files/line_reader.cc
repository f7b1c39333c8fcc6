#include "cli/files/line_reader.h"

#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/files/csv.h"

namespace taud::cli {
namespace {

using Outcome = TextFile::Outcome;

constexpr size_t kPeekLines = 1000;
constexpr size_t kPeekBytes = 1 << 20;
// A quote that is not closed within so much is a mistake in its own line.
constexpr size_t kMaxRecordBytes = 256 << 10;

constexpr size_t kShown = 80;

}  // namespace

std::string Beginning(const std::string& line) {
  if (line.size() <= kShown) return line;
  size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) {
    --end;
  }
  return absl::StrCat(line.substr(0, end), "…");
}

bool IsBlankLine(const std::string& line) {
  return absl::StripAsciiWhitespace(line).empty();
}

LineReader::Line LineReader::Next() {
  Line line;
  if (!ahead_.empty()) {
    line = std::move(ahead_.front());
    ahead_.pop_front();
    return line;
  }
  line.outcome = file_->Next(&line.text);
  line.number = file_->line_number();
  line.end = std::string(file_->line_end());
  return line;
}

void LineReader::PutBack(std::vector<Line> lines) {
  ahead_.insert(ahead_.begin(), std::make_move_iterator(lines.begin()),
                std::make_move_iterator(lines.end()));
}

absl::StatusOr<LineReader::Line> LineReader::First() {
  Line line;
  do {
    line = Next();
  } while (line.outcome == Outcome::kLine && IsBlankLine(line.text));
  if (line.outcome == Outcome::kEnd) {
    return absl::InvalidArgumentError("the file is empty");
  }
  if (line.outcome == Outcome::kTooLong) {
    return absl::InvalidArgumentError(
        absl::StrCat("the first line is longer than ", TextFile::kMaxLineBytes,
                     " bytes; is this a text file?"));
  }
  if (line.outcome != Outcome::kLine) return Why(line.outcome);
  PutBack({line});
  return line;
}

const std::deque<LineReader::Line>& LineReader::Peek() {
  std::deque<Line> lines;
  size_t bytes = 0;
  while (lines.size() < kPeekLines && bytes < kPeekBytes) {
    lines.push_back(Next());
    bytes += lines.back().text.size();
    if (lines.back().outcome == Outcome::kEnd ||
        lines.back().outcome == Outcome::kFailed) {
      break;
    }
  }
  ahead_.insert(ahead_.begin(), std::make_move_iterator(lines.begin()),
                std::make_move_iterator(lines.end()));
  return ahead_;
}

absl::StatusOr<std::vector<std::string>> LineReader::ReadCsv(const Line& line,
                                                             char separator,
                                                             size_t width) {
  CsvRecord record(separator);
  auto whole = record.Add(line.text);
  if (!whole.ok()) return whole.status();
  std::vector<Line> taken;
  size_t bytes = line.text.size();
  std::string end = line.end;
  while (whole.ok() && !*whole && bytes < kMaxRecordBytes) {
    taken.push_back(Next());
    const Line& next = taken.back();
    if (next.outcome != Outcome::kLine) break;
    bytes += end.size() + next.text.size();
    whole = record.Add(absl::StrCat(end, next.text));
    end = next.end;
  }
  const bool good = whole.ok() && *whole;
  const size_t found = record.fields().size();
  if (good && (width == 0 || found == width)) {
    return std::move(record.fields());
  }
  if (taken.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", found, " fields, the header ", width));
  }
  // Then the quote was a mistake, and what follows are lines of their own.
  PutBack(std::move(taken));
  return absl::InvalidArgumentError("a quote is not closed");
}

absl::Status LineReader::Why(Outcome outcome) const {
  if (outcome == Outcome::kTooLong) {
    return absl::InvalidArgumentError(
        absl::StrCat("longer than ", TextFile::kMaxLineBytes, " bytes"));
  }
  return outcome == Outcome::kFailed ? file_->status() : absl::OkStatus();
}

}  // namespace taud::cli
