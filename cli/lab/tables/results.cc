#include "cli/lab/tables/results.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kChosenBy[] = "validation_recall@20";

std::string NameOf(std::string name) {
  name = absl::AsciiStrToLower(name);
  static const auto& also = *new std::map<std::string, std::string>{
      {"movielens", "ml-1m"},           {"ml1m", "ml-1m"},
      {"ml-1m-split", "ml-1m"},         {"yelp", "yelp2018"},
      {"amazon_book", "amazon-book"},   {"amazonbook", "amazon-book"},
      {"ifashion", "alibaba-ifashion"}, {"alibaba", "alibaba-ifashion"}};
  const auto found = also.find(name);
  return found == also.end() ? name : found->second;
}

struct Spread {
  double mean = 0, deviation = 0;  // of a sample
};

Spread SpreadOf(const std::vector<double>& values) {
  Spread spread;
  const double count = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / count;
  double square = 0;
  for (const double value : values) {
    square += (value - spread.mean) * (value - spread.mean);
  }
  if (values.size() > 1) spread.deviation = std::sqrt(square / (count - 1));
  return spread;
}

// One row on one data set.
Json RowJson(const LabTableResults& results, size_t data, size_t r) {
  const LabTable& table = *results.table;
  const LabRow& row = table.rows[r];
  Json json;
  json["group"] = row.group;
  json["label"] = row.label;
  json["options"] = row.options;
  std::vector<const Json*> runs;
  std::set<double> at;
  std::set<std::string> protocols;
  for (const uint64_t seed : results.seeds) {
    size_t value = 0;
    const Json* run = results.Find(data, r, seed, &value);
    if (run == nullptr) continue;
    runs.push_back(run);
    if (Sweeps(row)) at.insert(row.values[value]);
    protocols.insert(run->at("select").get<std::string>());
  }
  size_t done = 0;
  double seconds = 0;
  for (const auto& [cell, run] : results.done) {
    if (cell.data != data || cell.row != r) continue;
    ++done;
    seconds += run.at("wall_seconds").get<double>();
  }
  json["runs"] = std::max<size_t>(1, row.values.size()) * results.seeds.size();
  json["runs_done"] = done;
  json["seconds"] = seconds;
  if (Sweeps(row)) {
    json["swept"] = row.swept;
    json["best_at"] = at;
  }
  json["chosen_on"] = protocols;
  const auto published = row.published.find(results.data[data].name);
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& key = table.columns[c].key;
    Json& figure = json["figures"][key];
    std::vector<double> values;
    for (const Json* run : runs) {
      if (run->contains(key)) values.push_back(run->at(key).get<double>());
    }
    if (!values.empty()) {
      const Spread spread = SpreadOf(values);
      figure["mean"] = spread.mean;
      if (values.size() > 1) figure["deviation"] = spread.deviation;
    }
    if (published != row.published.end()) {
      figure["published"] = published->second[c];
    }
  }
  if (!runs.empty()) {
    json["epochs"] = runs.front()->at("epochs");
    json["rho"] = runs.front()->at("rho");
    json["tau0"] = runs.front()->at("tau0");
  }
  return json;
}

std::string FigureText(const Json& figure, int digits) {
  if (!figure.contains("mean")) return "–";
  std::string text = Fixed(figure.at("mean").get<double>(), digits);
  if (figure.contains("deviation")) {
    absl::StrAppend(&text, " ± ",
                    Fixed(figure.at("deviation").get<double>(), digits));
  }
  return text;
}

std::string RemarkOf(const Json& row) {
  std::vector<std::string> remarks;
  if (row.contains("best_at") && !row.at("best_at").empty()) {
    std::vector<std::string> values;
    for (const auto& value : row.at("best_at")) {
      values.push_back(absl::StrCat(value.get<double>()));
    }
    remarks.push_back(absl::StrCat("best at ",
                                   row.at("swept").get<std::string>().substr(2),
                                   " ", absl::StrJoin(values, ", ")));
  }
  if (row.at("runs_done") != row.at("runs")) {
    remarks.push_back(absl::StrCat(row.at("runs_done").get<size_t>(), " of ",
                                   row.at("runs").get<size_t>(), " runs"));
  }
  return absl::StrJoin(remarks, "; ");
}

void AppendCells(const std::vector<std::string>& cells, std::string* text) {
  absl::StrAppend(text, "| ", absl::StrJoin(cells, " | "), " |\n");
}

std::string DataMarkdown(const Json& data, const Json& columns) {
  std::string text =
      absl::StrCat("\n## ", data.at("name").get<std::string>(), "\n\n");
  if (data.contains("users")) {
    absl::StrAppend(&text, Count(data.at("users").get<size_t>()), " users, ",
                    Count(data.at("items").get<size_t>()), " items, ",
                    Count(data.at("train_pairs").get<size_t>()), " train and ",
                    Count(data.at("test_pairs").get<size_t>()),
                    " test interactions.\n\n");
  }
  std::vector<std::string> headings = {"", ""};
  std::vector<std::string> rule = {"---", "---"};
  for (const auto& column : columns) {
    const std::string heading = column.at("heading").get<std::string>();
    headings.push_back(heading);
    headings.push_back("paper");
    rule.insert(rule.end(), {"---:", "---:"});
  }
  for (const char* heading : {"epochs", "ρ", "τ₀", "s", ""}) {
    headings.push_back(heading);
    rule.push_back(*heading == '\0' ? "---" : "---:");
  }
  AppendCells(headings, &text);
  AppendCells(rule, &text);
  for (const auto& row : data.at("rows")) {
    std::vector<std::string> cells = {row.at("group").get<std::string>(),
                                      row.at("label").get<std::string>()};
    for (const auto& column : columns) {
      const int digits = column.at("digits").get<int>();
      const Json& figure =
          row.at("figures").at(column.at("key").get<std::string>());
      cells.push_back(FigureText(figure, digits));
      cells.push_back(figure.contains("published")
                          ? Fixed(figure.at("published").get<double>(), digits)
                          : "");
    }
    if (row.contains("epochs")) {
      cells.push_back(absl::StrCat(row.at("epochs").get<int>()));
      cells.push_back(absl::StrCat(row.at("rho").get<double>()));
      cells.push_back(Fixed(row.at("tau0").get<double>(), 3));
      cells.push_back(Count(std::llround(row.at("seconds").get<double>())));
    } else {
      cells.insert(cells.end(), 4, "");
    }
    cells.push_back(RemarkOf(row));
    AppendCells(cells, &text);
  }
  return text;
}

// "validation" and so on, in words.
std::string ProtocolText(const Json& json) {
  std::set<std::string> protocols;
  for (const auto& data : json.at("data")) {
    for (const auto& row : data.at("rows")) {
      for (const auto& name : row.at("chosen_on")) protocols.insert(name);
    }
  }
  std::vector<std::string> words;
  for (const std::string& name : protocols) {
    words.push_back(
        name == "validation"
            ? "validation (epoch and grid by a tenth of train, then all of "
              "train is fitted)"
        : name == "test" ? "test (epoch and grid by test recall, as the papers "
                           "chose: flatters)"
                         : "last (the last epoch; a grid's best by test "
                           "recall: flatters the grid)");
  }
  return words.empty()
             ? ""
             : absl::StrCat("Chosen on: ", absl::StrJoin(words, "; "), ".\n");
}

}  // namespace

absl::StatusOr<LabDataSet> ParseDataSet(const std::string& text) {
  const size_t equals = text.find('=');
  LabDataSet data;
  data.directory = equals == std::string::npos ? text : text.substr(equals + 1);
  if (data.directory.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--data is '", text, "', expected [NAME=]DIRECTORY"));
  }
  std::string name = text.substr(0, equals);
  if (equals == std::string::npos) {
    std::filesystem::path path =
        std::filesystem::path(data.directory).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    name = path.filename().string();
  }
  data.name = NameOf(name);
  const auto plain = [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  };
  // The name is part of files' names.
  if (data.name.empty() ||
      !std::all_of(data.name.begin(), data.name.end(), plain)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--data is '", text, "': the name '", data.name,
        "' is not of letters, digits, '-', '_' and '.'; give another as NAME=",
        data.directory));
  }
  return data;
}

const Json* LabTableResults::Find(size_t data_index, size_t row, uint64_t seed,
                                  size_t* value) const {
  const Json* best = nullptr;
  double best_recall = 0;
  const size_t values = std::max<size_t>(1, table->rows[row].values.size());
  for (size_t v = 0; v < values; ++v) {
    const auto found = done.find({data_index, row, v, seed});
    if (found == done.end()) continue;
    const Json& run = found->second;
    const double recall =
        run.at(run.contains(kChosenBy) ? kChosenBy : "recall@20").get<double>();
    if (best != nullptr && recall <= best_recall) continue;
    best = &run;
    best_recall = recall;
    if (value != nullptr) *value = v;
  }
  return best;
}

Json TableJson(const LabTableResults& results) {
  const LabTable& table = *results.table;
  Json json;
  json["table"] = table.name;
  json["paper"] = table.paper;
  json["title"] = table.title;
  json["note"] = table.note;
  json["seeds"] = results.seeds;
  for (const LabColumn& column : table.columns) {
    json["columns"].push_back({{"key", column.key},
                               {"heading", column.heading},
                               {"digits", column.digits}});
  }
  std::set<std::string> given;
  json["data"] = Json::array();
  for (size_t d = 0; d < results.data.size(); ++d) {
    given.insert(results.data[d].name);
    Json data;
    data["name"] = results.data[d].name;
    data["directory"] = results.data[d].directory;
    const auto any =
        std::find_if(results.done.begin(), results.done.end(),
                     [d](const auto& entry) { return entry.first.data == d; });
    if (any != results.done.end()) {
      for (const char* key : {"users", "items", "train_pairs", "test_pairs"}) {
        data[key] = any->second.at(key);
      }
    }
    for (size_t r = 0; r < table.rows.size(); ++r) {
      data["rows"].push_back(RowJson(results, d, r));
    }
    json["data"].push_back(std::move(data));
  }
  json["left_out"] = Json::array();
  for (const std::string& name : table.data_sets) {
    if (given.count(name) == 0) json["left_out"].push_back(name);
  }
  json["failed"] = Json::array();
  for (const auto& [cell, why] : results.failed) {
    json["failed"].push_back({{"data", results.data[cell.data].name},
                              {"row", RowName(table.rows[cell.row])},
                              {"seed", cell.seed},
                              {"why", why}});
  }
  return json;
}

std::string TableMarkdown(const Json& json,
                          const std::vector<std::string>& images) {
  std::string text = absl::StrCat("# ", json.at("paper").get<std::string>(),
                                  ", ", json.at("title").get<std::string>(),
                                  "\n\n", json.at("note").get<std::string>(),
                                  "\n\n", ProtocolText(json));
  const size_t seeds = json.at("seeds").size();
  absl::StrAppend(&text,
                  seeds == 1
                      ? "One seed"
                      : absl::StrCat("Mean ± deviation of ", seeds, " seeds"),
                  "; s: seconds of all runs of the row.\n");
  if (!json.at("left_out").empty()) {
    std::vector<std::string> names = json.at("left_out");
    absl::StrAppend(&text, "Left out, because no --data names them: ",
                    absl::StrJoin(names, ", "), ".\n");
  }
  for (const auto& data : json.at("data")) {
    absl::StrAppend(&text, DataMarkdown(data, json.at("columns")));
  }
  if (!json.at("failed").empty()) absl::StrAppend(&text, "\n## Failed\n\n");
  for (const auto& failure : json.at("failed")) {
    absl::StrAppend(&text, "- ", failure.at("data").get<std::string>(), ", ",
                    failure.at("row").get<std::string>(), ", seed ",
                    failure.at("seed").get<uint64_t>(), ": ",
                    failure.at("why").get<std::string>(), "\n");
  }
  if (!images.empty()) absl::StrAppend(&text, "\n");
  for (const std::string& image : images) {
    absl::StrAppend(&text, "![", image, "](", image, ".svg)\n");
  }
  return text;
}

}  // namespace taud::cli
