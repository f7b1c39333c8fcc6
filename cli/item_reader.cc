#include "cli/item_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/field_values.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

constexpr char kNoGenres[] = "(no genres listed)";
constexpr size_t kShownOfBadLine = 80;

const std::vector<absl::string_view> kIdNames = {
    "id",    "item",     "item_id", "itemid",
    "movie", "movie_id", "movieid", "product_id"};

void AddTag(std::string tag, std::vector<std::string>* tags) {
  if (tag.empty() || tag == kNoGenres) return;
  if (std::find(tags->begin(), tags->end(), tag) != tags->end()) return;
  tags->push_back(std::move(tag));
}

absl::Status SetWindow(const std::string& text, std::optional<int64_t>* edge) {
  if (text.empty()) return absl::OkStatus();
  const auto time = ParseTimeMs(text);
  if (time.ok()) *edge = *time;
  return time.status();
}

absl::Status CheckItem(const FileItem& item) {
  if (item.id.empty()) return absl::InvalidArgumentError("there is no id");
  return absl::OkStatus();
}

absl::Status ParseJson(const std::string& line, FileItem* item) {
  using nlohmann::json;
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError("is not a JSON object");
  }
  const auto text = [&object](const std::string& name) {
    const auto it = object.find(name);
    if (it == object.end() || it->is_null()) return std::string();
    return it->is_string() ? it->get<std::string>() : it->dump();
  };
  for (const absl::string_view name : kIdNames) {
    if (item->id.empty()) item->id = text(std::string(name));
  }
  item->title = text("title");
  if (const auto tags = object.find("tags"); tags != object.end()) {
    if (!tags->is_array()) {
      return absl::InvalidArgumentError("tags is not a list");
    }
    for (const json& tag : *tags) {
      if (!tag.is_string()) {
        return absl::InvalidArgumentError("a tag is not a string");
      }
      AddTag(tag.get<std::string>(), &item->tags);
    }
  }
  const auto hidden = ParseBool(text("hidden"));
  if (!hidden.ok()) return hidden.status();
  item->hidden = *hidden;
  absl::Status status =
      SetWindow(text("available_from"), &item->available_from_ms);
  if (status.ok()) {
    status = SetWindow(text("available_until"), &item->available_until_ms);
  }
  return status.ok() ? CheckItem(*item) : status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ItemReader>> ItemReader::Open(
    const std::string& path) {
  auto file = TextFile::Open(path);
  if (!file.ok()) return file.status();
  auto reader = std::unique_ptr<ItemReader>(new ItemReader(*std::move(file)));
  const absl::Status status = reader->Begin();
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return reader;
}

absl::Status ItemReader::Begin() {
  std::string line;
  if (file_->Next(&line) != TextFile::Outcome::kLine) {
    return absl::InvalidArgumentError("the file is empty");
  }
  if (absl::StartsWith(absl::StripAsciiWhitespace(line), "{")) {
    json_ = true;
    first_line_ = std::move(line);
    return absl::OkStatus();
  }
  separator_ = GuessSeparator(line);
  std::vector<std::string> names;
  absl::Status status = SplitCsv(line, separator_, &names);
  if (!status.ok()) return status;
  const CsvHeader header(std::move(names));
  fields_ = header.size();
  columns_.id = header.Find(kIdNames);
  columns_.title = header.Find({"title", "name"});
  columns_.tags = header.Find({"tags", "genres"});
  columns_.hidden = header.Find({"hidden"});
  columns_.from = header.Find({"available_from"});
  columns_.until = header.Find({"available_until"});
  if (columns_.id < 0) {
    return absl::InvalidArgumentError(
        "the header names no column id (item_id, movieId, …), and the file is "
        "not JSON Lines");
  }
  return absl::OkStatus();
}

ItemReader::Outcome ItemReader::Next(FileItem* item, BadLine* bad) {
  std::string line;
  absl::Status status;
  do {
    if (first_line_.has_value()) {
      line = *std::move(first_line_);
      first_line_.reset();
      continue;
    }
    const TextFile::Outcome outcome = file_->Next(&line);
    if (outcome == TextFile::Outcome::kEnd) return Outcome::kEnd;
    if (outcome == TextFile::Outcome::kTooLong) {
      status = absl::InvalidArgumentError("the line is too long");
    }
  } while (status.ok() && absl::StripAsciiWhitespace(line).empty());

  *item = FileItem();
  if (status.ok()) {
    status = json_ ? ParseJson(line, item) : ParseCsv(line, item);
  }
  if (status.ok()) return Outcome::kItem;
  bad->line = file_->line_number();
  bad->reason = std::string(status.message());
  bad->text = line.substr(0, kShownOfBadLine);
  return Outcome::kBadLine;
}

absl::Status ItemReader::ParseCsv(absl::string_view line,
                                  FileItem* item) const {
  std::vector<std::string> fields;
  absl::Status status = SplitCsv(line, separator_, &fields);
  if (!status.ok()) return status;
  if (fields.size() != fields_) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", fields.size(), " fields, the header ", fields_));
  }
  const auto field = [&fields](int column) {
    return column < 0 ? std::string() : fields[static_cast<size_t>(column)];
  };
  item->id = field(columns_.id);
  item->title = field(columns_.title);
  const std::vector<std::string> tags =
      absl::StrSplit(field(columns_.tags), '|');
  for (const std::string& tag : tags) AddTag(tag, &item->tags);
  const auto hidden = ParseBool(field(columns_.hidden));
  if (!hidden.ok()) return hidden.status();
  item->hidden = *hidden;
  status = SetWindow(field(columns_.from), &item->available_from_ms);
  if (status.ok()) {
    status = SetWindow(field(columns_.until), &item->available_until_ms);
  }
  return status.ok() ? CheckItem(*item) : status;
}

}  // namespace taud::cli
