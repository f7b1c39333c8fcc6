#include "cli/interaction_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/field_values.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

constexpr size_t kShownOfBadLine = 80;

const std::vector<absl::string_view> kUserNames = {"user", "user_id", "userid"};
const std::vector<absl::string_view> kItemNames = {
    "item",     "item_id", "itemid",  "movie",
    "movie_id", "movieid", "product", "product_id"};
const std::vector<absl::string_view> kTimeNames = {"time", "time_ms",
                                                   "timestamp"};

std::vector<std::string> Words(absl::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
}

bool IsNumber(const std::string& text) {
  double ignored = 0;
  return absl::SimpleAtod(text, &ignored);
}

bool HasColumns(absl::string_view line) {
  const char separator = GuessSeparator(line);
  std::vector<std::string> fields;
  if (separator == 0 || !SplitCsv(line, separator, &fields).ok()) return false;
  const CsvHeader header(std::move(fields));
  return header.Find(kUserNames) >= 0 && header.Find(kItemNames) >= 0;
}

// The text of a JSON value that is a string or a number; empty if missing.
absl::StatusOr<std::string> TextOf(
    const nlohmann::json& object, const std::vector<absl::string_view>& names) {
  for (const absl::string_view name : names) {
    const auto it = object.find(std::string(name));
    if (it == object.end() || it->is_null()) continue;
    if (it->is_string()) return it->get<std::string>();
    if (it->is_number()) return it->dump();
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is neither a string nor a number"));
  }
  return std::string();
}

}  // namespace

absl::StatusOr<InteractionFormat> ParseFormatName(absl::string_view name) {
  if (name == "auto") return InteractionFormat::kAuto;
  if (name == "adjacency") return InteractionFormat::kAdjacency;
  if (name == "u.data") return InteractionFormat::kUData;
  if (name == "ratings.dat") return InteractionFormat::kRatingsDat;
  if (name == "csv") return InteractionFormat::kCsv;
  if (name == "jsonl") return InteractionFormat::kJsonLines;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown format \"", name,
                   "\"; one of auto, adjacency, u.data, ratings.dat, csv, "
                   "jsonl"));
}

absl::StatusOr<InteractionFormat> GuessFormat(absl::string_view line) {
  const absl::string_view text = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(text, "{")) return InteractionFormat::kJsonLines;
  if (absl::StrContains(text, "::")) return InteractionFormat::kRatingsDat;
  if (HasColumns(text)) return InteractionFormat::kCsv;
  const std::vector<std::string> words = Words(text);
  const bool tabs = absl::StrContains(text, "\t");
  if (tabs && words.size() == 4 &&
      std::all_of(words.begin(), words.end(), IsNumber)) {
    return InteractionFormat::kUData;
  }
  const bool separated =
      absl::StrContains(text, ",") || absl::StrContains(text, ";") || tabs;
  if (words.size() >= 2 && !separated) return InteractionFormat::kAdjacency;
  return absl::InvalidArgumentError(
      "the first line looks like no known format; name it with --format, or "
      "give the file a header with the columns user and item");
}

absl::StatusOr<std::unique_ptr<InteractionReader>> InteractionReader::Open(
    const std::string& path, InteractionFormat format,
    std::optional<model::InteractionKind> kind) {
  auto file = TextFile::Open(path);
  if (!file.ok()) return file.status();
  auto reader = std::unique_ptr<InteractionReader>(
      new InteractionReader(*std::move(file), kind));
  const absl::Status status = reader->Begin(format);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return reader;
}

absl::Status InteractionReader::Begin(InteractionFormat format) {
  std::string line;
  auto outcome = TextFile::Outcome::kLine;
  while (outcome == TextFile::Outcome::kLine &&
         absl::StripAsciiWhitespace(line).empty()) {
    outcome = file_->Next(&line);
  }
  if (outcome == TextFile::Outcome::kEnd) {
    return absl::InvalidArgumentError("the file is empty");
  }
  if (outcome == TextFile::Outcome::kTooLong) {
    return absl::InvalidArgumentError(
        absl::StrCat("the first line is longer than ", TextFile::kMaxLineBytes,
                     " bytes; is this a text file?"));
  }
  if (format == InteractionFormat::kAuto) {
    auto guessed = GuessFormat(line);
    if (!guessed.ok()) return guessed.status();
    format = *guessed;
  }
  format_ = format;
  if (format_ == InteractionFormat::kCsv) return ReadHeader(line);
  first_line_ = std::move(line);
  return absl::OkStatus();
}

absl::Status InteractionReader::ReadHeader(absl::string_view line) {
  separator_ = GuessSeparator(line);
  std::vector<std::string> fields;
  absl::Status status = SplitCsv(line, separator_, &fields);
  if (!status.ok()) return status;
  header_ = CsvHeader(std::move(fields));
  columns_.user = header_.Find(kUserNames);
  columns_.item = header_.Find(kItemNames);
  columns_.time = header_.Find(kTimeNames);
  columns_.kind = header_.Find({"kind"});
  columns_.rating = header_.Find({"rating"});
  columns_.weight = header_.Find({"weight"});
  columns_.event_id = header_.Find({"event_id"});
  if (columns_.user < 0 || columns_.item < 0) {
    return absl::InvalidArgumentError(
        "the header names no column user (user_id, userId) or no column item "
        "(item_id, itemId, movieId, …)");
  }
  return absl::OkStatus();
}

InteractionReader::Outcome InteractionReader::Next(FileInteraction* interaction,
                                                   BadLine* bad) {
  while (next_ == pending_.size()) {
    pending_.clear();
    next_ = 0;
    std::string line;
    auto outcome = TextFile::Outcome::kLine;
    if (first_line_.has_value()) {
      line = *std::move(first_line_);
      first_line_.reset();
    } else {
      outcome = file_->Next(&line);
    }
    if (outcome == TextFile::Outcome::kEnd) return Outcome::kEnd;
    absl::Status status;
    if (outcome == TextFile::Outcome::kTooLong) {
      status = absl::InvalidArgumentError(
          absl::StrCat("longer than ", TextFile::kMaxLineBytes, " bytes"));
    } else if (absl::StripAsciiWhitespace(line).empty()) {
      continue;
    } else {
      status = ParseLine(line);
    }
    if (status.ok()) continue;
    pending_.clear();
    bad->line = file_->line_number();
    bad->reason = std::string(status.message());
    bad->text = line.substr(0, kShownOfBadLine);
    return Outcome::kBadLine;
  }
  *interaction = std::move(pending_[next_++]);
  return Outcome::kInteraction;
}

absl::Status InteractionReader::ParseLine(const std::string& line) {
  switch (format_) {
    case InteractionFormat::kAdjacency:
      return ParseAdjacency(line);
    case InteractionFormat::kUData:
      return ParseRating(absl::StrSplit(line, '\t'));
    case InteractionFormat::kRatingsDat:
      return ParseRating(absl::StrSplit(line, "::"));
    case InteractionFormat::kCsv:
      return ParseCsv(line);
    case InteractionFormat::kJsonLines:
      return ParseJson(line);
    case InteractionFormat::kAuto:
      break;  // Begin has decided
  }
  return absl::InternalError("no format");
}

absl::Status InteractionReader::Push(FileInteraction interaction) {
  if (interaction.user.empty()) {
    return absl::InvalidArgumentError("there is no user");
  }
  if (interaction.item.empty()) {
    return absl::InvalidArgumentError("there is no item");
  }
  if (forced_kind_.has_value()) interaction.kind = *forced_kind_;
  pending_.push_back(std::move(interaction));
  return absl::OkStatus();
}

// A user without items is no fault: the published splits have some.
absl::Status InteractionReader::ParseAdjacency(absl::string_view line) {
  const std::vector<std::string> words = Words(line);
  for (size_t w = 1; w < words.size(); ++w) {
    FileInteraction interaction;
    interaction.user = words[0];
    interaction.item = words[w];
    absl::Status status = Push(std::move(interaction));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status InteractionReader::ParseRating(
    const std::vector<std::string>& fields) {
  if (fields.size() != 4) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", fields.size(), " fields, not user, item, rating and time"));
  }
  const auto kind = KindOfRating(fields[2]);
  if (!kind.ok()) return kind.status();
  const auto time = ParseTimeMs(fields[3]);
  if (!time.ok()) return time.status();
  FileInteraction interaction;
  interaction.user = fields[0];
  interaction.item = fields[1];
  interaction.kind = *kind;
  interaction.time_ms = *time;
  return Push(std::move(interaction));
}

absl::Status InteractionReader::PushTexts(const Texts& texts) {
  FileInteraction interaction;
  interaction.user = texts.user;
  interaction.item = texts.item;
  interaction.event_id = texts.event_id;
  if (!texts.time.empty()) {
    const auto time = ParseTimeMs(texts.time);
    if (!time.ok()) return time.status();
    interaction.time_ms = *time;
  }
  if (!texts.weight.empty()) {
    const auto weight = ParseWeight(texts.weight);
    if (!weight.ok()) return weight.status();
    interaction.weight = *weight;
  }
  if (!texts.kind.empty() || !texts.rating.empty()) {
    const auto kind =
        texts.kind.empty() ? KindOfRating(texts.rating) : ParseKind(texts.kind);
    if (!kind.ok()) return kind.status();
    interaction.kind = *kind;
  }
  return Push(std::move(interaction));
}

absl::Status InteractionReader::ParseCsv(absl::string_view line) {
  std::vector<std::string> fields;
  absl::Status status = SplitCsv(line, separator_, &fields);
  if (!status.ok()) return status;
  if (fields.size() != header_.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", fields.size(), " fields, the header ", header_.size()));
  }
  const auto field = [&fields](int column) {
    return column < 0 ? std::string()
                      : std::move(fields[static_cast<size_t>(column)]);
  };
  Texts texts;
  texts.user = field(columns_.user);
  texts.item = field(columns_.item);
  texts.time = field(columns_.time);
  texts.kind = field(columns_.kind);
  texts.rating = field(columns_.rating);
  texts.weight = field(columns_.weight);
  texts.event_id = field(columns_.event_id);
  return PushTexts(texts);
}

absl::Status InteractionReader::ParseJson(const std::string& line) {
  const nlohmann::json object =
      nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError("is not a JSON object");
  }
  Texts texts;
  const struct {
    const std::vector<absl::string_view> names;
    std::string* text;
  } wanted[] = {{kUserNames, &texts.user},      {kItemNames, &texts.item},
                {kTimeNames, &texts.time},      {{"kind"}, &texts.kind},
                {{"rating"}, &texts.rating},    {{"weight"}, &texts.weight},
                {{"event_id"}, &texts.event_id}};
  for (const auto& one : wanted) {
    auto text = TextOf(object, one.names);
    if (!text.ok()) return text.status();
    *one.text = *std::move(text);
  }
  return PushTexts(texts);
}

}  // namespace taud::cli
