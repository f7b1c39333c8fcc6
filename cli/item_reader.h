#ifndef TAUD_CLI_ITEM_READER_H_
#define TAUD_CLI_ITEM_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/csv.h"
#include "cli/interaction_reader.h"
#include "cli/text_file.h"

namespace taud::cli {

struct FileItem {
  std::string id;
  std::string title;
  std::vector<std::string> tags;  // distinct
  bool hidden = false;
  std::optional<int64_t> available_from_ms;
  std::optional<int64_t> available_until_ms;
};

// Pulls items out of a file: a header that names the columns (commas,
// semicolons or tabs between), or a JSON object a line. Columns: id (item,
// item_id, itemId, movieId, …), and, if there, title (name), tags (genres; in
// CSV '|' between, in JSON a list), hidden, available_from, available_until.
// MovieLens movies.csv is one of these; its "(no genres listed)" is no tag.
// One thread's.
class ItemReader {
 public:
  enum class Outcome { kItem, kBadLine, kEnd };

  static absl::StatusOr<std::unique_ptr<ItemReader>> Open(
      const std::string& path);

  // Fills in the one that belongs to the outcome.
  Outcome Next(FileItem* item, BadLine* bad);

  uint64_t bytes_read() const { return file_->bytes_read(); }
  uint64_t total_bytes() const { return file_->total_bytes(); }

 private:
  explicit ItemReader(std::unique_ptr<TextFile> file)
      : file_(std::move(file)) {}
  absl::Status Begin();
  absl::Status ParseCsv(absl::string_view line, FileItem* item) const;

  struct Columns {
    int id = -1, title = -1, tags = -1, hidden = -1, from = -1, until = -1;
  };
  const std::unique_ptr<TextFile> file_;
  bool json_ = false;
  char separator_ = ',';
  size_t fields_ = 0;
  Columns columns_;
  std::optional<std::string> first_line_;  // read to tell JSON from CSV
};

}  // namespace taud::cli

#endif  // TAUD_CLI_ITEM_READER_H_
