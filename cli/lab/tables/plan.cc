#include "cli/lab/tables/plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace taud::cli {
namespace {

bool Names(const std::string& asked, const LabRow& row) {
  const std::string name = absl::AsciiStrToLower(asked);
  return name == absl::AsciiStrToLower(row.label) ||
         name == absl::AsciiStrToLower(row.group) ||
         name == absl::AsciiStrToLower(RowName(row));
}

absl::Status CheckRequest(const LabTable& table,
                          const LabTableRequest& request) {
  std::set<std::string> names;
  for (const LabDataSet& data : request.data) {
    if (names.insert(data.name).second) continue;
    return absl::InvalidArgumentError(absl::StrCat("--data names ", data.name,
                                                   " twice; tell them apart as "
                                                   "NAME=DIRECTORY"));
  }
  for (const std::string& asked : request.only) {
    const auto named = [&](const LabRow& row) { return Names(asked, row); };
    if (std::any_of(table.rows.begin(), table.rows.end(), named)) continue;
    std::vector<std::string> rows;
    for (const LabRow& row : table.rows) rows.push_back(RowName(row));
    return absl::InvalidArgumentError(
        absl::StrCat("--only is '", asked, "', and ", table.name,
                     " has the rows ", absl::StrJoin(rows, ", ")));
  }
  return absl::OkStatus();
}

bool Asked(const LabTableRequest& request, const LabRow& row) {
  return request.only.empty() ||
         std::any_of(
             request.only.begin(), request.only.end(),
             [&](const std::string& asked) { return Names(asked, row); });
}

std::vector<std::string> WordsOf(const LabTable& table,
                                 const LabTableRequest& request,
                                 const LabCell& cell) {
  const LabRow& row = table.rows[cell.row];
  std::vector<std::string> words = {"--data", request.data[cell.data].directory,
                                    // The papers' methods have none.
                                    "--neighbours", "0", "--tau0-factor", "1"};
  for (const auto word : absl::StrSplit(row.options, ' ', absl::SkipEmpty())) {
    words.emplace_back(word);
  }
  if (Sweeps(row)) {
    words.push_back(row.swept);
    words.push_back(absl::StrCat(row.values[cell.value]));
  }
  words.insert(words.end(), request.words.begin(), request.words.end());
  words.push_back("--seed");
  words.push_back(absl::StrCat(cell.seed));
  return words;
}

}  // namespace

absl::StatusOr<std::vector<PlannedCell>> PlanLabTable(
    const LabTable& table, const LabTableRequest& request) {
  absl::Status status = CheckRequest(table, request);
  if (!status.ok()) return status;
  std::vector<PlannedCell> plan;
  for (size_t data = 0; data < request.data.size(); ++data) {
    for (size_t row = 0; row < table.rows.size(); ++row) {
      const size_t values = std::max<size_t>(1, table.rows[row].values.size());
      for (size_t value = 0; value < values; ++value) {
        for (const uint64_t seed : request.seeds) {
          const LabCell cell = {data, row, value, seed};
          auto flags = ParseLabFlags(WordsOf(table, request, cell));
          if (!flags.ok()) return flags.status();
          plan.push_back(
              {cell, *std::move(flags), Asked(request, table.rows[row])});
        }
      }
    }
  }
  return plan;
}

std::string CellName(const LabTable& table, const LabTableRequest& request,
                     const LabCell& cell) {
  const LabRow& row = table.rows[cell.row];
  std::string name =
      absl::StrCat(request.data[cell.data].name, ", ", RowName(row));
  if (Sweeps(row)) {
    absl::StrAppend(&name, ", ", row.swept.substr(2), " ",
                    row.values[cell.value]);
  }
  if (request.seeds.size() > 1) absl::StrAppend(&name, ", seed ", cell.seed);
  return name;
}

}  // namespace taud::cli
