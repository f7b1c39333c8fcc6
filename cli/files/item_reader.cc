#include "cli/files/item_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/files/columns.h"
#include "cli/files/csv.h"
#include "cli/files/field_values.h"
#include "cli/files/json_fields.h"
#include "model/utf8.h"

namespace taud::cli {
namespace {

constexpr char kNoGenres[] = "(no genres listed)";

struct KnownColumn {
  absl::string_view name;
  std::vector<absl::string_view> names;  // plain
};

// In the order of ItemReader::Column.
const std::vector<KnownColumn>& Known() {
  static const auto& known = *new std::vector<KnownColumn>{
      {"id",
       {"id", "item", "itemid", "iid", "movie", "movieid", "product",
        "productid", "isbn", "asin"}},
      {"title", {"title", "name", "booktitle"}},
      {"tags", {"tags", "genres"}},
      {"hidden", {"hidden"}},
      {"available_from", {"availablefrom"}},
      {"available_until", {"availableuntil"}},
  };
  return known;
}

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

absl::Status SetRest(const std::string& hidden, const std::string& from,
                     const std::string& until, FileItem* item) {
  const auto parsed = ParseBool(hidden);
  if (!parsed.ok()) return parsed.status();
  item->hidden = *parsed;
  absl::Status status = SetWindow(from, &item->available_from_ms);
  if (status.ok()) status = SetWindow(until, &item->available_until_ms);
  return status;
}

absl::Status CheckUtf8(absl::string_view what, absl::string_view text) {
  if (model::IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " is not UTF-8"));
}

absl::Status CheckItem(const FileItem& item) {
  if (item.id.empty()) return absl::InvalidArgumentError("there is no id");
  absl::Status status = CheckUtf8("the id", item.id);
  if (status.ok()) status = CheckUtf8("the title", item.title);
  for (const std::string& tag : item.tags) {
    if (status.ok()) status = CheckUtf8("a tag", tag);
  }
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ItemReader>> ItemReader::Open(
    const std::string& path, UnknownItemColumns unknown) {
  auto file = TextFile::Open(path);
  if (!file.ok()) return file.status();
  auto reader =
      std::unique_ptr<ItemReader>(new ItemReader(*std::move(file), unknown));
  const absl::Status status = reader->Begin();
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return reader;
}

absl::Status ItemReader::Begin() {
  const auto first = lines_.First();
  if (!first.ok()) return first.status();
  json_ = absl::StartsWith(absl::StripAsciiWhitespace(first->text), "{");
  if (json_) {
    FileItem item;
    const absl::Status status = ParseJson(first->text, &item);
    // Whoever has the wrong file learns it before anything is written; what is
    // in the fields is a matter of the line.
    return header_.empty() ? status : absl::OkStatus();
  }
  separator_ = GuessSeparator(first->text);
  if (separator_ == 0) {
    return absl::InvalidArgumentError(
        "the header names no column id (item_id, movieId, …) and title, tags, "
        "…, and the file is not JSON Lines");
  }
  const auto header = lines_.ReadCsv(lines_.Next(), separator_, 0);
  return header.ok() ? TakeColumns(*header) : header.status();
}

absl::Status ItemReader::TakeColumns(const std::vector<std::string>& header) {
  std::array<int, kColumns> at;
  at.fill(-1);
  std::vector<std::string> unknown;
  std::vector<size_t> unknown_at;
  for (size_t i = 0; i < header.size(); ++i) {
    const std::string plain = PlainColumnName(header[i]);
    const auto known = std::find_if(
        Known().begin(), Known().end(), [&](const KnownColumn& one) {
          return std::find(one.names.begin(), one.names.end(), plain) !=
                 one.names.end();
        });
    const auto column = static_cast<size_t>(known - Known().begin());
    if (column < kColumns && at[column] < 0) {
      at[column] = static_cast<int>(i);
    } else {
      unknown.push_back(header[i]);
      unknown_at.push_back(i);
    }
  }
  const auto of_interactions =
      std::find_if(unknown.begin(), unknown.end(), IsOfInteractions);
  if (of_interactions != unknown.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "looks like interactions, not items: it has a column \"",
        *of_interactions, "\"; `tauctl ingest` takes interactions"));
  }
  if (!unknown.empty() && unknown_ == UnknownItemColumns::kRefuse) {
    return UnknownColumns(unknown,
                          "rename them (id, title, tags, hidden, "
                          "available_from, available_until), make them "
                          "properties with --properties, or leave them out "
                          "with --ignore-unknown");
  }
  if (at[kId] < 0) {
    return absl::InvalidArgumentError(
        "the header names no column id (item_id, movieId, …)");
  }
  const bool as_properties = unknown_ == UnknownItemColumns::kAreProperties;
  if (!as_properties) unknown_at.clear();
  if (*std::max_element(at.begin() + 1, at.end()) < 0 && unknown_at.empty()) {
    return absl::InvalidArgumentError(
        "says nothing of the items but their ids (no title, tags, hidden, "
        "available_from, available_until)");
  }
  mask_.clear();
  static constexpr const char* kFields[kColumns] = {nullptr,
                                                    "title",
                                                    "tags",
                                                    "hidden",
                                                    "available_from_ms",
                                                    "available_until_ms"};
  for (size_t c = 1; c < kColumns; ++c) {
    if (at[c] >= 0) mask_.push_back(kFields[c]);
  }
  for (const size_t i : unknown_at) {
    mask_.push_back(absl::StrCat("properties.", header[i]));
  }
  properties_at_ = unknown_at;
  if (as_properties) unknown.clear();
  for (const std::string& name : unknown) {
    if (std::find(left_out_.begin(), left_out_.end(), name) ==
        left_out_.end()) {
      left_out_.push_back(name);
    }
  }
  at_ = at;
  header_ = header;
  return absl::OkStatus();
}

std::string ItemReader::Understood() const {
  std::vector<std::string> columns;
  for (size_t c = 0; c < kColumns; ++c) {
    if (at_[c] < 0) continue;
    columns.push_back(absl::StrCat(Known()[c].name, " = ",
                                   header_[static_cast<size_t>(at_[c])]));
  }
  std::vector<std::string> properties;
  for (const size_t i : properties_at_) properties.push_back(header_[i]);
  return absl::StrCat(
      json_ ? "JSON Lines; " : "columns: ", absl::StrJoin(columns, ", "),
      properties.empty()
          ? ""
          : absl::StrCat("; properties: ", absl::StrJoin(properties, ", ")),
      left_out_.empty()
          ? ""
          : absl::StrCat("; LEFT OUT: ", absl::StrJoin(left_out_, ", ")));
}

ItemReader::Outcome ItemReader::Next(FileItem* item, BadLine* bad) {
  LineReader::Line line;
  do {
    line = lines_.Next();
  } while (line.outcome == TextFile::Outcome::kLine && IsBlankLine(line.text));
  if (line.outcome == TextFile::Outcome::kEnd) return Outcome::kEnd;
  *item = FileItem();
  item->line = line.number;
  absl::Status status = lines_.Why(line.outcome);
  if (status.ok()) {
    status = json_ ? ParseJson(line.text, item) : ParseCsv(line, item);
  }
  if (status.ok()) status = CheckItem(*item);
  if (status.ok()) return Outcome::kItem;
  bad->line = line.number;
  bad->reason = std::string(status.message());
  bad->text = Beginning(line.text);
  return line.outcome == TextFile::Outcome::kFailed ? Outcome::kFailed
                                                    : Outcome::kBadLine;
}

absl::Status ItemReader::ParseCsv(const LineReader::Line& line,
                                  FileItem* item) {
  const auto fields = lines_.ReadCsv(line, separator_, header_.size());
  if (!fields.ok()) return fields.status();
  const auto field = [&](Column column) {
    return at_[column] < 0 ? std::string()
                           : (*fields)[static_cast<size_t>(at_[column])];
  };
  item->id = field(kId);
  item->title = field(kTitle);
  const std::vector<std::string> tags = absl::StrSplit(field(kTags), '|');
  for (const std::string& tag : tags) AddTag(tag, &item->tags);
  for (const size_t i : properties_at_) {
    JsonField value;
    value.text = (*fields)[i];
    // In CSV everything is text; what it says is a matter of whoever sends it.
    value.type =
        value.text.empty() ? JsonField::Type::kNull : JsonField::Type::kOther;
    item->properties.emplace_back(header_[i], std::move(value));
  }
  item->mask = mask_;
  return SetRest(field(kHidden), field(kFrom), field(kUntil), item);
}

absl::Status ItemReader::ParseJson(const std::string& line, FileItem* item) {
  const auto object = ParseJsonFields(line);
  if (!object.ok()) return object.status();
  std::vector<std::string> names;
  for (const auto& field : *object) names.push_back(field.first);
  if (names != header_ || names.empty()) {
    absl::Status status = TakeColumns(names);
    if (!status.ok()) return status;
  }
  const auto field = [&](Column column) {
    return at_[column] < 0 ? JsonField()
                           : (*object)[static_cast<size_t>(at_[column])].second;
  };
  for (const Column column : {kId, kTitle, kHidden, kFrom, kUntil}) {
    const JsonField::Type type = field(column).type;
    if (type == JsonField::Type::kStrings || type == JsonField::Type::kOther) {
      return absl::InvalidArgumentError(
          absl::StrCat(Known()[column].name, " is a list or an object"));
    }
  }
  const JsonField tags = field(kTags);
  if (tags.type != JsonField::Type::kNull &&
      tags.type != JsonField::Type::kStrings) {
    return absl::InvalidArgumentError("tags is not a list of strings");
  }
  for (const std::string& tag : tags.strings) AddTag(tag, &item->tags);
  for (const size_t i : properties_at_) {
    if ((*object)[i].second.type == JsonField::Type::kOther) {
      return absl::InvalidArgumentError(absl::StrCat(
          (*object)[i].first, " is neither a plain value nor a list of texts"));
    }
    item->properties.push_back((*object)[i]);
  }
  item->mask = mask_;
  item->id = field(kId).text;
  item->title = field(kTitle).text;
  return SetRest(field(kHidden).text, field(kFrom).text, field(kUntil).text,
                 item);
}

}  // namespace taud::cli
