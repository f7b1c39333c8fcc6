#include "cli/files/record_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/files/csv.h"
#include "cli/files/json_fields.h"

namespace taud::cli {
namespace {

constexpr char kWhatToDo[] =
    "say what they are, e.g. --columns kind=action,time=created, or name user "
    "and item with --columns, and the rest is left out";

}  // namespace

absl::StatusOr<std::unique_ptr<RecordReader>> RecordReader::Open(
    const std::string& path, InteractionFormat format,
    const ColumnChoice& choice) {
  auto file = TextFile::Open(path);
  if (!file.ok()) return file.status();
  auto reader =
      std::unique_ptr<RecordReader>(new RecordReader(*std::move(file), choice));
  const absl::Status status = reader->Begin(format);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return reader;
}

absl::Status RecordReader::Begin(InteractionFormat format) {
  const auto first = lines_.First();
  if (!first.ok()) return first.status();
  if (format == InteractionFormat::kAuto) {
    const auto guessed = Guess();
    if (!guessed.ok()) return guessed.status();
    format = *guessed;
  }
  format_ = format;
  const bool named = format_ == InteractionFormat::kCsv ||
                     format_ == InteractionFormat::kJsonLines;
  if (HasChoice(choice_) && !named) {
    return absl::InvalidArgumentError(
        "--columns is for files that name their columns");
  }
  if (format_ == InteractionFormat::kCsv) return ReadHeader();
  if (format_ == InteractionFormat::kJsonLines) {
    return CheckFirstObject(first->text);
  }
  return absl::OkStatus();
}

absl::StatusOr<InteractionFormat> RecordReader::Guess() {
  std::vector<absl::string_view> texts;
  for (const Line& line : lines_.Peek()) {
    if (line.outcome == TextFile::Outcome::kLine && !IsBlankLine(line.text)) {
      texts.push_back(line.text);
    }
  }
  if (!HasChoice(choice_)) return GuessFormat(texts);
  return absl::StartsWith(absl::StripAsciiWhitespace(texts[0]), "{")
             ? InteractionFormat::kJsonLines
             : InteractionFormat::kCsv;
}

absl::Status RecordReader::TakeColumns(const std::vector<std::string>& header) {
  auto map = MapColumns(header, choice_);
  if (!map.ok()) return map.status();
  if (!map->unknown.empty() && !HasChoice(choice_)) {
    return UnknownColumns(map->unknown, kWhatToDo);
  }
  for (const std::string& name : map->unknown) {
    const bool known =
        std::find(left_out_.begin(), left_out_.end(), name) != left_out_.end();
    if (!known) left_out_.push_back(name);
  }
  for (size_t role = 0; role < kRoles; ++role) {
    if (map->at[role] < 0) continue;
    names_[role] = header[static_cast<size_t>(map->at[role])];
  }
  map_ = *std::move(map);
  header_ = header;
  return absl::OkStatus();
}

absl::Status RecordReader::ReadHeader() {
  Line line = lines_.Next();
  separator_ = GuessSeparator(line.text);
  if (separator_ == 0) {
    return absl::InvalidArgumentError(
        "the first line is no header: there is no comma, semicolon or tab in "
        "it");
  }
  auto header = lines_.ReadCsv(line, separator_, 0);
  if (!header.ok()) return header.status();
  return TakeColumns(*header);
}

// Whoever has the wrong file learns it before anything is sent.
absl::Status RecordReader::CheckFirstObject(const std::string& line) {
  const auto fields = ParseJsonFields(line);
  if (!fields.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the first line ", fields.status().message(),
        "; JSON Lines has one whole object a line (`jq -c .` makes them)"));
  }
  Record ignored;
  const absl::Status status = ParseJson(line, &ignored);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("the first object ", status.message()));
}

RecordReader::Outcome RecordReader::Next(Record* record, absl::Status* why) {
  while (true) {
    for (std::string& field : record->fields) field.clear();
    record->text.clear();
    if (next_word_ < words_.size()) {
      record->line = words_line_;
      record->fields[static_cast<size_t>(Role::kUser)] = words_[0];
      record->fields[static_cast<size_t>(Role::kItem)] = words_[next_word_++];
      return Outcome::kRecord;
    }
    Line line = lines_.Next();
    record->line = line.number;
    switch (line.outcome) {
      case TextFile::Outcome::kEnd:
        return Outcome::kEnd;
      case TextFile::Outcome::kFailed:
        *why = lines_.Why(line.outcome);
        return Outcome::kFailed;
      case TextFile::Outcome::kTooLong:
        *why = lines_.Why(line.outcome);
        break;
      case TextFile::Outcome::kLine:
        if (IsBlankLine(line.text)) continue;
        *why = Parse(line, record);
        if (why->ok() && format_ == InteractionFormat::kAdjacency) continue;
        break;
    }
    record->text = Beginning(line.text);
    return why->ok() ? Outcome::kRecord : Outcome::kBad;
  }
}

absl::Status RecordReader::Parse(const Line& line, Record* record) {
  switch (format_) {
    case InteractionFormat::kAdjacency:
      // A user without items is no fault: the published splits have some.
      words_ = Words(line.text);
      words_line_ = line.number;
      next_word_ = 1;
      return absl::OkStatus();
    case InteractionFormat::kUData:
      return SplitRating(Words(line.text), record);
    case InteractionFormat::kRatingsDat:
      return SplitRating(absl::StrSplit(line.text, "::"), record);
    case InteractionFormat::kCsv: {
      auto fields = lines_.ReadCsv(line, separator_, header_.size());
      if (!fields.ok()) return fields.status();
      for (size_t role = 0; role < kRoles; ++role) {
        if (map_.at[role] < 0) continue;
        record->fields[role] =
            std::move((*fields)[static_cast<size_t>(map_.at[role])]);
      }
      return absl::OkStatus();
    }
    case InteractionFormat::kJsonLines:
      return ParseJson(line.text, record);
    case InteractionFormat::kAuto:
      break;  // Begin has decided
  }
  return absl::InternalError("no format");
}

absl::Status RecordReader::SplitRating(std::vector<std::string> fields,
                                       Record* record) {
  if (fields.size() != 4) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", fields.size(), " fields, not user, item, rating and time"));
  }
  constexpr Role kOrder[] = {Role::kUser, Role::kItem, Role::kRating,
                             Role::kTime};
  for (size_t i = 0; i < fields.size(); ++i) {
    record->fields[static_cast<size_t>(kOrder[i])] =
        std::string(absl::StripAsciiWhitespace(fields[i]));
  }
  return absl::OkStatus();
}

absl::Status RecordReader::ParseJson(absl::string_view line, Record* record) {
  auto object = ParseJsonFields(line);
  if (!object.ok()) return object.status();
  std::vector<std::string> names;
  for (const auto& field : *object) names.push_back(field.first);
  if (names != header_ || header_.empty()) {
    absl::Status status = TakeColumns(names);
    if (!status.ok()) return status;
  }
  for (size_t role = 0; role < kRoles; ++role) {
    if (map_.at[role] < 0) continue;
    auto& [name, field] = (*object)[static_cast<size_t>(map_.at[role])];
    switch (field.type) {
      case JsonField::Type::kNull:
        break;
      case JsonField::Type::kString:
      case JsonField::Type::kNumber:
        record->fields[role] = std::move(field.text);
        break;
      default:
        return absl::InvalidArgumentError(
            absl::StrCat(name, " is neither a string nor a number"));
    }
  }
  return absl::OkStatus();
}

std::string RecordReader::LayoutText() const {
  switch (format_) {
    case InteractionFormat::kAdjacency:
      return "adjacency lists: a user, then its items";
    case InteractionFormat::kUData:
      return "MovieLens u.data: user, item, rating, time";
    case InteractionFormat::kRatingsDat:
      return "MovieLens ratings.dat: user::item::rating::time";
    case InteractionFormat::kCsv:
      return separator_ == '\t'
                 ? "columns with tabs between"
                 : absl::StrCat("CSV, ",
                                separator_ == ',' ? "commas" : "semicolons",
                                " between");
    case InteractionFormat::kJsonLines:
      return "JSON Lines";
    case InteractionFormat::kAuto:
      break;
  }
  return "unknown";
}

}  // namespace taud::cli
