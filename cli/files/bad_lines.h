#ifndef TAUD_CLI_FILES_BAD_LINES_H_
#define TAUD_CLI_FILES_BAD_LINES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "cli/files/interaction_reader.h"

namespace taud::cli {

// Counts what of a file could not be used and shows the first few on standard
// error. Thread-compatible.
class BadLines {
 public:
  static constexpr uint64_t kShown = 10;

  explicit BadLines(std::string path) : path_(std::move(path)) {}

  void Add(const BadLine& bad);
  uint64_t count() const { return count_; }
  // Says how many were not shown.
  void Finish() const;

 private:
  const std::string path_;
  uint64_t count_ = 0;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_BAD_LINES_H_
