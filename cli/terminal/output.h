#ifndef TAUD_CLI_TERMINAL_OUTPUT_H_
#define TAUD_CLI_TERMINAL_OUTPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

// What commands print: tables for people, JSON for programs. One thread's.

namespace taud::cli {

// `text` with everything that could move a terminal's cursor, colour it or
// turn it around (controls, bidirectional marks, bytes that are not UTF-8) as
// an escape that can be read: \x1b, \n, \u202e. Whatever people or files
// have named goes through here before it is shown. Pure.
std::string Inert(absl::string_view text);
// The same for a text of several lines, which stay lines.
std::string InertLines(absl::string_view text);

// Rows of cells under headings, columns as wide as their widest cell. A cell of
// more than 60 characters goes on in further lines, broken between words only.
// Cells and headings are made inert. A heading that starts with '>' aligns its
// column to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // Two columns, the first line being name and value: a value may begin with
  // '>'.
  static Table OfProperties(std::string name, std::string value);
  void AddRow(std::vector<std::string> cells);
  std::string ToString() const;
  // With lines of `width` characters at most: the last column is made as narrow
  // as that needs, and words that are too long for it are broken. It keeps ten
  // characters, whatever the others need.
  std::string ToString(size_t width) const;

 private:
  Table() = default;
  std::string Format(size_t most_of_last) const;

  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// `text` in lines of `width` characters at most, broken between words, or
// within one that is longer than a line; each ends with a newline. Pure.
std::string Wrapped(absl::string_view text, size_t width);

// Characters in a line of the terminal that standard output is; else what
// COLUMNS says; else 80.
size_t TerminalWidth();

// Protobuf's JSON with the field names of the .proto, every field present.
std::string ToJson(const google::protobuf::Message& message, bool pretty);

// "12,345"; "2 min ago"; "2026-11-21 04:11:00 UTC"; "0.123"; "1.5 MiB".
std::string Count(uint64_t n);
std::string AgeOf(int64_t then_ms, int64_t now_ms);
std::string TimeOf(int64_t unix_ms);
std::string Fixed(double value, int digits);
std::string Bytes(uint64_t bytes);

}  // namespace taud::cli

#endif  // TAUD_CLI_TERMINAL_OUTPUT_H_
