#ifndef TAUD_CLI_FILES_ITEM_READER_H_
#define TAUD_CLI_FILES_ITEM_READER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/files/interaction_reader.h"
#include "cli/files/json_fields.h"
#include "cli/files/line_reader.h"
#include "cli/files/text_file.h"

namespace taud::cli {

struct FileItem {
  std::string id;
  std::string title;
  std::vector<std::string> tags;  // distinct
  bool hidden = false;
  std::optional<int64_t> available_from_ms;
  std::optional<int64_t> available_until_ms;
  // Those of columns that nothing else is known of.
  std::vector<std::pair<std::string, JsonField>> properties;
  // The fields that the file says something of, as an update mask names them:
  // what is empty there is cleared, and the rest stays as it is.
  std::vector<std::string> mask;
  uint64_t line = 0;  // of the file, where it begins
};

// What becomes of columns that nothing is known of.
enum class UnknownItemColumns { kRefuse, kLeaveOut, kAreProperties };

// Pulls items out of a file: a header that names the columns (commas,
// semicolons or tabs between), or a JSON object a line. Columns: id (item,
// item_id, itemId, movieId, …), and, if there, title (name), tags (genres; in
// CSV '|' between, in JSON a list), hidden, available_from, available_until.
// MovieLens movies.csv is one of these; its "(no genres listed)" is no tag.
// One thread's.
class ItemReader {
 public:
  // kFailed: the file cannot be read to its end; bad->reason says why.
  enum class Outcome { kItem, kBadLine, kEnd, kFailed };

  // INVALID_ARGUMENT for a file of interactions, for one that says nothing of
  // its items, and, if those are refused, for columns nothing is known of.
  static absl::StatusOr<std::unique_ptr<ItemReader>> Open(
      const std::string& path, UnknownItemColumns unknown);

  // Fills in the one that belongs to the outcome.
  Outcome Next(FileItem* item, BadLine* bad);

  // The columns that are used, and those that are left out, for people.
  std::string Understood() const;
  uint64_t bytes_read() const { return lines_.bytes_read(); }
  uint64_t total_bytes() const { return lines_.total_bytes(); }

 private:
  ItemReader(std::unique_ptr<TextFile> file, UnknownItemColumns unknown)
      : lines_(std::move(file)), unknown_(unknown) {}
  absl::Status Begin();
  absl::Status TakeColumns(const std::vector<std::string>& header);
  absl::Status ParseCsv(const LineReader::Line& line, FileItem* item);
  absl::Status ParseJson(const std::string& line, FileItem* item);

  enum Column { kId, kTitle, kTags, kHidden, kFrom, kUntil, kColumns };

  LineReader lines_;
  const UnknownItemColumns unknown_;
  bool json_ = false;
  char separator_ = ',';
  std::vector<std::string> header_;  // of JSON: the names in the last object
  std::array<int, kColumns> at_ = {};
  std::vector<size_t> properties_at_;
  std::vector<std::string> mask_;  // of what the columns are
  std::vector<std::string> left_out_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_ITEM_READER_H_
