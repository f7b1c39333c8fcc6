#ifndef TAUD_CLI_OUTPUT_H_
#define TAUD_CLI_OUTPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "google/protobuf/message.h"

// What commands print: tables for people, JSON for programs. One thread's.

namespace taud::cli {

// Rows of cells under headings, columns as wide as their widest cell (a cell
// of more than 60 characters is cut). A heading that starts with '>' aligns
// its column to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void AddRow(std::vector<std::string> cells);
  std::string ToString() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// Protobuf's JSON with the field names of the .proto, every field present.
std::string ToJson(const google::protobuf::Message& message, bool pretty);

// "12,345"; "2 min ago"; "2026-11-21 04:11:00 UTC"; "0.123"; "1.5 MiB".
std::string Count(uint64_t n);
std::string AgeOf(int64_t then_ms, int64_t now_ms);
std::string TimeOf(int64_t unix_ms);
std::string Fixed(double value, int digits);
std::string Bytes(uint64_t bytes);

}  // namespace taud::cli

#endif  // TAUD_CLI_OUTPUT_H_
