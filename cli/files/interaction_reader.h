#ifndef TAUD_CLI_FILES_INTERACTION_READER_H_
#define TAUD_CLI_FILES_INTERACTION_READER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/files/columns.h"
#include "cli/files/field_values.h"
#include "cli/files/layout.h"
#include "cli/files/rating_scale.h"
#include "cli/files/record_reader.h"
#include "model/types.h"

namespace taud::cli {

struct FileInteraction {
  std::string user;
  std::string item;
  std::string event_id;
  int64_t time_ms = 0;  // 0: not given
  float weight = 0;     // 0: not given
  model::InteractionKind kind = model::InteractionKind::kView;
  uint64_t line = 0;  // of the file, where it begins
};

struct BadLine {
  uint64_t line = 0;
  std::string reason;
  std::string text;  // the beginning of it
};

// How a file is to be read; what is not given is found out from its first
// lines.
struct ReadOptions {
  InteractionFormat format = InteractionFormat::kAuto;
  // Of every interaction, whatever the file says.
  std::optional<model::InteractionKind> kind;
  ColumnChoice columns;
  std::optional<TimeUnit> time_unit;
  std::optional<double> positive_from;  // ratings from here on are likes
};

// Pulls interactions out of a file. A line that cannot be read is reported and
// passed over. One thread's.
class InteractionReader {
 public:
  // kFailed: the file cannot be read to its end; bad->reason says why.
  enum class Outcome { kInteraction, kBadLine, kEnd, kFailed };

  // Errors of RecordReader::Open, and of ratings on no known scale.
  static absl::StatusOr<std::unique_ptr<InteractionReader>> Open(
      const std::string& path, const ReadOptions& options);

  // Fills in the one that belongs to the outcome.
  Outcome Next(FileInteraction* interaction, BadLine* bad);

  // How the file is understood, for people: "layout", "columns", "left out",
  // "kinds", "times", each with what there is to say.
  std::vector<std::pair<std::string, std::string>> Understood() const;

  uint64_t bytes_read() const { return records_->bytes_read(); }
  uint64_t total_bytes() const { return records_->total_bytes(); }
  InteractionFormat format() const { return records_->format(); }

 private:
  struct Read {
    RecordReader::Outcome outcome = RecordReader::Outcome::kEnd;
    Record record;
    absl::Status why;
  };

  InteractionReader(std::unique_ptr<RecordReader> records, ReadOptions options)
      : records_(std::move(records)), options_(std::move(options)) {}

  // Reads the first records and finds unit and scale.
  absl::Status Survey();
  bool Has(Role role) const;
  bool UsesRatings() const;
  absl::StatusOr<int64_t> TimeOf(const std::string& text) const;
  absl::Status Convert(Record record, FileInteraction* interaction) const;

  const std::unique_ptr<RecordReader> records_;
  const ReadOptions options_;
  std::optional<TimeUnit> unit_;
  bool unit_guessed_ = false;
  RatingScale scale_;
  bool only_dislikes_ = false;  // in the first records
  std::string first_time_;
  std::deque<Read> surveyed_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_INTERACTION_READER_H_
