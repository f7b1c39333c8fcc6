#ifndef TAUD_CLI_INTERACTION_READER_H_
#define TAUD_CLI_INTERACTION_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/csv.h"
#include "cli/text_file.h"
#include "model/types.h"

namespace taud::cli {

// The layouts `tauctl ingest` understands.
enum class InteractionFormat {
  kAuto,        // guessed from the first line
  kAdjacency,   // `user item item …`, blanks between
  kUData,       // MovieLens u.data: user, item, rating, time; tabs between
  kRatingsDat,  // MovieLens ratings.dat: the same, `::` between
  // A header that names the columns, commas, semicolons or tabs between:
  //   user (user_id, userid), item (item_id, itemid, movie, movie_id, movieid,
  //   product_id), and, if there: time (timestamp), kind, rating, weight,
  //   event_id. MovieLens ratings.csv is one of these.
  kCsv,
  kJsonLines,  // an object a line, fields as the columns above
};

// "auto", "adjacency", "u.data", "ratings.dat", "csv", "jsonl".
absl::StatusOr<InteractionFormat> ParseFormatName(absl::string_view name);

// From the first line that is not empty. INVALID_ARGUMENT if it looks like
// none of them. Pure.
absl::StatusOr<InteractionFormat> GuessFormat(absl::string_view line);

struct FileInteraction {
  std::string user;
  std::string item;
  std::string event_id;
  int64_t time_ms = 0;  // 0: not given
  float weight = 0;     // 0: not given
  model::InteractionKind kind = model::InteractionKind::kView;
};

struct BadLine {
  uint64_t line = 0;
  std::string reason;
  std::string text;  // the beginning of it
};

// Pulls interactions out of a file. A line that cannot be read is reported and
// passed over. One thread's.
class InteractionReader {
 public:
  enum class Outcome { kInteraction, kBadLine, kEnd };

  // Errors of opening, of guessing, and of a header without user or item.
  // `kind`, if given, is that of every interaction, whatever the file says.
  static absl::StatusOr<std::unique_ptr<InteractionReader>> Open(
      const std::string& path, InteractionFormat format,
      std::optional<model::InteractionKind> kind);

  // Fills in the one that belongs to the outcome.
  Outcome Next(FileInteraction* interaction, BadLine* bad);

  uint64_t line_number() const { return file_->line_number(); }
  uint64_t bytes_read() const { return file_->bytes_read(); }
  uint64_t total_bytes() const { return file_->total_bytes(); }
  InteractionFormat format() const { return format_; }

 private:
  InteractionReader(std::unique_ptr<TextFile> file,
                    std::optional<model::InteractionKind> kind)
      : file_(std::move(file)), forced_kind_(kind) {}

  // The fields of a line as text; empty: not given.
  struct Texts {
    std::string user, item, time, kind, rating, weight, event_id;
  };

  absl::Status Begin(InteractionFormat format);
  absl::Status ReadHeader(absl::string_view line);
  absl::Status ParseLine(const std::string& line);
  absl::Status ParseAdjacency(absl::string_view line);
  absl::Status ParseRating(const std::vector<std::string>& fields);
  absl::Status ParseCsv(absl::string_view line);
  absl::Status ParseJson(const std::string& line);
  absl::Status PushTexts(const Texts& texts);
  absl::Status Push(FileInteraction interaction);

  const std::unique_ptr<TextFile> file_;
  const std::optional<model::InteractionKind> forced_kind_;
  InteractionFormat format_ = InteractionFormat::kAuto;

  // kCsv: the separator and where each column is, -1 if missing.
  struct Columns {
    int user = -1, item = -1, time = -1, kind = -1, rating = -1, weight = -1,
        event_id = -1;
  };
  char separator_ = ',';
  CsvHeader header_;
  Columns columns_;

  // A line that was read to guess from it.
  std::optional<std::string> first_line_;
  // Interactions of the line at hand, and the next of them.
  std::vector<FileInteraction> pending_;
  size_t next_ = 0;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_INTERACTION_READER_H_
