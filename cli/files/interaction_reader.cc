#include "cli/files/interaction_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/terminal/output.h"
#include "model/utf8.h"

namespace taud::cli {
namespace {

// Looked at to find units and scales.
constexpr size_t kSurveyRecords = 1000;
// MovieLens' ratings end at 5, even if the first ones are all low.
constexpr double kMovieLensScale = 5;
constexpr int64_t kYearMs = int64_t{365} * 24 * 3600 * 1000;

bool IsMovieLens(InteractionFormat format) {
  return format == InteractionFormat::kUData ||
         format == InteractionFormat::kRatingsDat;
}

// A name like time_ms says it.
bool NamesMilliseconds(const std::string& column) {
  return absl::EndsWithIgnoreCase(column, "_ms") ||
         absl::EndsWithIgnoreCase(column, "timems") ||
         absl::EndsWithIgnoreCase(column, "timestampms");
}

absl::Status CheckText(absl::string_view name, const std::string& text,
                       bool required) {
  if (required && text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no ", name));
  }
  // The server refuses it, too, but a batch with a field of megabytes as well.
  if (text.size() > model::kMaxIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", name, " has ", text.size(),
                     " bytes; allowed: up to ", model::kMaxIdBytes));
  }
  if (model::IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", name, " is not UTF-8"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<InteractionReader>> InteractionReader::Open(
    const std::string& path, const ReadOptions& options) {
  auto records = RecordReader::Open(path, options.format, options.columns);
  if (!records.ok()) return records.status();
  auto reader = std::unique_ptr<InteractionReader>(
      new InteractionReader(*std::move(records), options));
  const absl::Status status = reader->Survey();
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return reader;
}

bool InteractionReader::Has(Role role) const {
  if (IsMovieLens(format())) {
    return role != Role::kKind && role != Role::kWeight &&
           role != Role::kEventId;
  }
  return !records_->column_names()[static_cast<size_t>(role)].empty();
}

bool InteractionReader::UsesRatings() const {
  return !options_.kind.has_value() && Has(Role::kRating);
}

absl::Status InteractionReader::Survey() {
  if (format() == InteractionFormat::kAdjacency) return absl::OkStatus();
  RatingSample ratings;
  std::array<size_t, 4> units = {};
  while (surveyed_.size() < kSurveyRecords) {
    Read& read = surveyed_.emplace_back();
    read.outcome = records_->Next(&read.record, &read.why);
    if (read.outcome == RecordReader::Outcome::kEnd ||
        read.outcome == RecordReader::Outcome::kFailed) {
      break;
    }
    if (read.outcome != RecordReader::Outcome::kRecord) continue;
    const auto rating = ParseRating(read.record.Of(Role::kRating));
    if (rating.ok()) ratings.Add(*rating);
    const std::string& time = read.record.Of(Role::kTime);
    if (first_time_.empty()) first_time_ = time;
    const auto unit = UnitOf(time);
    if (unit.has_value()) ++units[static_cast<size_t>(*unit)];
  }
  const auto most = std::max_element(units.begin(), units.end());
  if (options_.time_unit.has_value()) {
    unit_ = options_.time_unit;
  } else if (NamesMilliseconds(
                 records_->column_names()[static_cast<size_t>(Role::kTime)])) {
    unit_ = TimeUnit::kMilliseconds;
  } else if (*most > 0) {
    unit_ = static_cast<TimeUnit>(most - units.begin());
    unit_guessed_ = true;
  }
  if (!UsesRatings()) return absl::OkStatus();
  if (options_.positive_from.has_value()) {
    scale_ = ScaleFrom(*options_.positive_from);
  } else {
    const auto scale =
        GuessScale(ratings, IsMovieLens(format()) ? kMovieLensScale : 0);
    if (!scale.ok()) return scale.status();
    scale_ = *scale;
  }
  only_dislikes_ = ratings.ratings > ratings.beyond &&
                   ratings.most <= scale_.negative_to &&
                   !(scale_.zero_is_none && ratings.least <= 0);
  return absl::OkStatus();
}

InteractionReader::Outcome InteractionReader::Next(FileInteraction* interaction,
                                                   BadLine* bad) {
  Read read;
  if (!surveyed_.empty()) {
    read = std::move(surveyed_.front());
    surveyed_.pop_front();
  } else {
    read.outcome = records_->Next(&read.record, &read.why);
  }
  if (read.outcome == RecordReader::Outcome::kEnd) return Outcome::kEnd;
  bad->line = read.record.line;
  bad->text = std::move(read.record.text);
  if (read.outcome == RecordReader::Outcome::kRecord) {
    read.why = Convert(std::move(read.record), interaction);
    if (read.why.ok()) return Outcome::kInteraction;
  }
  bad->reason = std::string(read.why.message());
  return read.outcome == RecordReader::Outcome::kFailed ? Outcome::kFailed
                                                        : Outcome::kBadLine;
}

absl::StatusOr<int64_t> InteractionReader::TimeOf(
    const std::string& text) const {
  const auto own = UnitOf(text);
  if (unit_guessed_ && own.has_value() && own != unit_) {
    return absl::InvalidArgumentError(
        absl::StrCat("time \"", text, "\" looks like ", UnitName(*own),
                     ", the first of the file like ", UnitName(*unit_),
                     "; say with --time-unit which they are"));
  }
  return ParseTimeMs(text, own.has_value() ? unit_ : own);
}

absl::Status InteractionReader::Convert(Record record,
                                        FileInteraction* interaction) const {
  *interaction = FileInteraction();
  interaction->line = record.line;
  const std::string& time = record.Of(Role::kTime);
  const std::string& weight = record.Of(Role::kWeight);
  const std::string& kind = record.Of(Role::kKind);
  const std::string& rating = record.Of(Role::kRating);
  absl::Status status =
      CheckText("user", record.Of(Role::kUser), /*required=*/true);
  if (status.ok()) {
    status = CheckText("item", record.Of(Role::kItem), /*required=*/true);
  }
  if (status.ok()) {
    status = CheckText("event id", record.Of(Role::kEventId), false);
  }
  if (!status.ok()) return status;
  if (!time.empty()) {
    const auto parsed = TimeOf(time);
    if (!parsed.ok()) return parsed.status();
    interaction->time_ms = *parsed;
  }
  if (!weight.empty()) {
    const auto parsed = ParseWeight(weight);
    if (!parsed.ok()) return parsed.status();
    interaction->weight = *parsed;
  }
  if (options_.kind.has_value()) {
    interaction->kind = *options_.kind;
  } else if (!kind.empty()) {
    const auto parsed = ParseKind(kind);
    if (!parsed.ok()) return parsed.status();
    interaction->kind = *parsed;
  } else if (!rating.empty()) {
    const auto parsed = ParseRating(rating);
    if (!parsed.ok()) return parsed.status();
    const auto of_rating = KindOfRating(*parsed, scale_);
    if (!of_rating.ok()) return of_rating.status();
    interaction->kind = *of_rating;
  }
  const auto take = [&record](Role role) {
    return std::move(record.fields[static_cast<size_t>(role)]);
  };
  interaction->user = take(Role::kUser);
  interaction->item = take(Role::kItem);
  interaction->event_id = take(Role::kEventId);
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::string>> InteractionReader::Understood()
    const {
  std::vector<std::pair<std::string, std::string>> lines;
  lines.emplace_back("layout", records_->LayoutText());
  std::vector<std::string> columns;
  for (size_t role = 0; role < kRoles; ++role) {
    const std::string& name = records_->column_names()[role];
    if (name.empty()) continue;
    columns.push_back(
        absl::StrCat(RoleName(static_cast<Role>(role)), " = ", name));
  }
  if (!columns.empty()) {
    lines.emplace_back("columns", absl::StrJoin(columns, ", "));
  }
  if (!records_->left_out().empty()) {
    lines.emplace_back("LEFT OUT", absl::StrJoin(records_->left_out(), ", "));
  }
  std::string kinds = "all are views";
  if (options_.kind.has_value()) {
    kinds =
        absl::StrCat("all are ", KindName(*options_.kind), "s, as --kind says",
                     Has(Role::kKind) || Has(Role::kRating)
                         ? "; the file's own count for nothing"
                         : "");
  } else if (Has(Role::kKind) && Has(Role::kRating)) {
    kinds = absl::StrCat("as the file says; where it does not, by ratings ",
                         Describe(scale_));
  } else if (Has(Role::kKind)) {
    kinds = "as the file says; where it does not, a view";
  } else if (Has(Role::kRating)) {
    kinds = absl::StrCat("by ratings ", Describe(scale_));
  }
  lines.emplace_back("kinds", kinds);
  if (only_dislikes_) {
    lines.emplace_back("WARNING",
                       "by this scale the ratings make nothing but dislikes, "
                       "of which nothing is learnt; --positive-from says from "
                       "where on a rating is a like");
  }
  std::string times = "none: the time of arrival";
  if (!first_time_.empty()) {
    const auto first = TimeOf(first_time_);
    if (first.ok() && *first < kYearMs) {
      lines.emplace_back("WARNING",
                         "the first time is in 1970; if that is not meant, "
                         "--time-unit says what the numbers are (20220622 is "
                         "no date here, 2022-06-22 is)");
    }
    times = absl::StrCat(
        unit_.has_value() && UnitOf(first_time_).has_value()
            ? absl::StrCat(UnitName(*unit_), unit_guessed_ ? " (guessed)" : "")
            : "dates, UTC unless they name a zone",
        "; the first is ",
        first.ok() ? cli::TimeOf(*first)
                   : absl::StrCat(first_time_, ", unread"));
  } else if (Has(Role::kTime)) {
    times = "none in the first lines";
  }
  lines.emplace_back("times", times);
  return lines;
}

}  // namespace taud::cli
