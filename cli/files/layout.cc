#include "cli/files/layout.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/files/columns.h"
#include "cli/files/csv.h"

namespace taud::cli {
namespace {

constexpr size_t kShown = 60;
constexpr uint64_t kLikeATime = 100'000'000;  // seconds: from 1973 on

bool IsNumber(absl::string_view text) {
  double ignored = 0;
  return absl::SimpleAtod(text, &ignored);
}

bool IsWholeNumber(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

bool IsHeader(absl::string_view line, char separator) {
  std::vector<std::string> fields;
  return separator != 0 && SplitCsv(line, separator, &fields).ok() &&
         NamesUserAndItem(fields);
}

absl::Status Refuse(absl::string_view why) {
  return absl::InvalidArgumentError(why);
}

bool IsRatingsDat(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, "::");
  return fields.size() == 4 && IsNumber(fields[2]) && IsNumber(fields[3]);
}

// Rows of three or four numbers are as easily `user item rating time` as a
// user's items. Then a user comes back; an adjacency list has it once.
bool LooksLikeATable(const std::vector<std::vector<std::string>>& rows) {
  const size_t width = rows[0].size();
  if (width != 3 && width != 4) return false;
  absl::flat_hash_set<absl::string_view> users;
  bool again = false;
  bool all_times = true;
  for (const auto& row : rows) {
    if (row.size() != width) return false;
    again = !users.insert(row[0]).second || again;
    uint64_t last = 0;
    all_times =
        all_times && absl::SimpleAtoi(row.back(), &last) && last >= kLikeATime;
  }
  return again || all_times;
}

absl::StatusOr<InteractionFormat> GuessAdjacency(
    const std::vector<absl::string_view>& lines) {
  std::vector<std::vector<std::string>> rows;
  for (const absl::string_view line : lines) {
    rows.push_back(Words(line));
    for (const std::string& word : rows.back()) {
      if (IsWholeNumber(word)) continue;
      return Refuse(absl::StrCat(
          "looks like no known format: adjacency lists (user item item …) have "
          "whole numbers only, unlike \"",
          absl::Utf8SafeCHexEscape(line.substr(0, kShown)),
          "\"; name the format with --format, or give the file a header with "
          "the columns user and item"));
    }
  }
  if (LooksLikeATable(rows)) {
    return Refuse(absl::StrCat(
        "could be `user item item …` or a table with ratings or times: ",
        rows[0].size(),
        " numbers in each line. Say which with --format "
        "adjacency or --format u.data (user, item, rating, time), or make it a "
        "CSV file with a header"));
  }
  return InteractionFormat::kAdjacency;
}

}  // namespace

std::vector<std::string> Words(absl::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

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

absl::StatusOr<InteractionFormat> GuessFormat(
    const std::vector<absl::string_view>& lines) {
  const absl::string_view first = absl::StripAsciiWhitespace(lines[0]);
  if (absl::StartsWith(first, "{")) return InteractionFormat::kJsonLines;
  if (absl::StrContains(first, "::") &&
      std::any_of(lines.begin(), lines.end(), IsRatingsDat)) {
    return InteractionFormat::kRatingsDat;
  }
  if (IsHeader(first, GuessSeparator(first))) return InteractionFormat::kCsv;
  const std::vector<std::string> words = Words(first);
  const bool tabs = absl::StrContains(first, "\t");
  if (tabs && words.size() == 4 &&
      std::all_of(words.begin(), words.end(), IsNumber)) {
    return InteractionFormat::kUData;
  }
  if (NamesUserAndItem(words)) {
    return Refuse(
        "has a header with blanks between the names; put commas or tabs there, "
        "or take the header away and name the layout with --format u.data "
        "(user, item, rating, time)");
  }
  const bool separated =
      absl::StrContains(first, ",") || absl::StrContains(first, ";") || tabs;
  if (words.size() < 2 || separated) {
    return Refuse(absl::StrCat(
        "the first line looks like no known format: \"",
        absl::Utf8SafeCHexEscape(first.substr(0, kShown)),
        "\"; name it with --format, or give the file a header with the columns "
        "user and item, or say with --columns which these are"));
  }
  return GuessAdjacency(lines);
}

}  // namespace taud::cli
