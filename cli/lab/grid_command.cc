// tauctl lab grid

#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/lab/cache.h"
#include "cli/lab/chart.h"
#include "cli/lab/commands.h"
#include "cli/lab/options.h"
#include "cli/lab/report.h"
#include "cli/lab/runner.h"
#include "cli/lab/tables/results.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

struct GridFlags {
  LabFlags lab;
  double from = 0.04, to = 0.24, step = 0.02;
  std::string out = "lab-results";
};

// The run that did best by what may choose: the validation slice, unless the
// protocol is to choose on test.
const nlohmann::ordered_json& BestOf(
    const std::vector<nlohmann::ordered_json>& runs) {
  const char* const key = runs.front().contains("validation_recall@20")
                              ? "validation_recall@20"
                              : "recall@20";
  const nlohmann::ordered_json* best = &runs.front();
  for (const auto& run : runs) {
    if (run.at(key).get<double>() > best->at(key).get<double>()) best = &run;
  }
  return *best;
}

nlohmann::ordered_json Compare(const std::vector<nlohmann::ordered_json>& fixed,
                               const nlohmann::ordered_json& adaptive) {
  const nlohmann::ordered_json& best = BestOf(fixed);
  nlohmann::ordered_json json;
  json["fixed"] = fixed;
  json["best_tau"] = best.at("tau");
  json["adaptive"] = adaptive;
  for (const char* const key : {"recall@20", "ndcg@20"}) {
    json[absl::StrCat("adaptive_to_best_", key)] =
        adaptive.at(key).get<double>() / best.at(key).get<double>();
  }
  return json;
}

void Print(const nlohmann::ordered_json& json) {
  Table table({"temperature", ">recall@20", ">ndcg@20", ">validation recall@20",
               ">epochs"});
  const auto add = [&table](const std::string& name,
                            const nlohmann::ordered_json& run) {
    table.AddRow({name, Fixed(run.at("recall@20").get<double>(), 4),
                  Fixed(run.at("ndcg@20").get<double>(), 4),
                  run.contains("validation_recall@20")
                      ? Fixed(run.at("validation_recall@20").get<double>(), 4)
                      : "",
                  absl::StrCat(run.at("epochs").get<int>())});
  };
  for (const auto& run : json.at("fixed")) {
    add(Fixed(run.at("tau").get<double>(), 3), run);
  }
  const auto& adaptive = json.at("adaptive");
  add(adaptive.at("temperature").get<std::string>(), adaptive);
  std::cout << table.ToString() << "\nbest fixed tau "
            << Fixed(json.at("best_tau").get<double>(), 3) << "; "
            << adaptive.at("temperature").get<std::string>() << " has "
            << Fixed(100 * json.at("adaptive_to_best_recall@20").get<double>(),
                     2)
            << " % of its recall@20 and "
            << Fixed(100 * json.at("adaptive_to_best_ndcg@20").get<double>(), 2)
            << " % of its ndcg@20\n";
}

// Recall by fixed temperature; the adaptive one's as a level, with its users'
// temperatures.
Chart Draw(const std::string& file, const nlohmann::ordered_json& json) {
  const auto& adaptive = json.at("adaptive");
  const std::string name = adaptive.at("temperature").get<std::string>();
  Chart chart;
  chart.file = file;
  chart.title = "Recall@20 by temperature";
  chart.x_label = "tau";
  chart.y_label = "recall@20";
  ChartSeries fixed = {"fixed", ChartSeries::Style::kLine, {}};
  for (const auto& run : json.at("fixed")) {
    fixed.points.emplace_back(run.at("tau").get<double>(),
                              run.at("recall@20").get<double>());
  }
  chart.series.push_back(std::move(fixed));
  chart.series.push_back({name,
                          ChartSeries::Style::kLevel,
                          {{0, adaptive.at("recall@20").get<double>()}}});
  chart.series.push_back(
      HistogramSeries(name + ", users' tau", adaptive.at("tau_u_histogram")));
  return chart;
}

// What is done already is not run again.
absl::StatusOr<nlohmann::ordered_json> RunOnce(const Program& program,
                                               const LabFlags& flags,
                                               const std::string& label,
                                               LabRunner* runner) {
  Progress progress("epochs");  // its share and time left are the run's
  auto run = runner->Plan(flags);
  if (!run.ok()) return run.status();
  if (auto found = runner->Find(*run, &progress)) {
    progress.Note(label + "done already");
    return *std::move(found);
  }
  absl::Status status = UseTensors(program, &run->options);
  if (!status.ok()) return status;
  return runner->Run(*run, label, &progress);
}

absl::Status RunGrid(const Common& common, const Program& program,
                     const GridFlags& flags) {
  if (flags.from > flags.to) {
    return absl::InvalidArgumentError(
        absl::StrCat("--from is ", flags.from, ", beyond --to, ", flags.to));
  }
  if (flags.lab.temperature == "fixed") {
    return absl::InvalidArgumentError(
        "--temperature is fixed: name what the fixed ones are compared with");
  }
  const auto data = ParseDataSet(flags.lab.data);
  if (!data.ok()) return data.status();
  auto runner = LabRunner::Open(flags.out);
  if (!runner.ok()) return runner.status();
  StopExperimentsOnSignals();

  const int count =
      1 +
      static_cast<int>(std::floor((flags.to - flags.from) / flags.step + 1e-9));
  auto reference = RunOnce(
      program, flags.lab,
      absl::StrCat("1 of ", count + 1, ", ", flags.lab.temperature, ", "),
      &*runner);
  if (!reference.ok()) return reference.status();
  // The same method with the temperature fixed: what else was found stays.
  std::vector<nlohmann::ordered_json> runs;
  for (int i = 0; i < count; ++i) {
    LabFlags fixed = AsFound(flags.lab, *reference);
    fixed.temperature = "fixed";
    // As somebody would write it: the same as in a table.
    if (!absl::SimpleAtod(absl::StrCat(flags.from + i * flags.step),
                          &fixed.tau)) {
      continue;
    }
    auto run = RunOnce(program, fixed,
                       absl::StrCat(i + 2, " of ", count + 1, ", tau ",
                                    Fixed(fixed.tau, 3), ", "),
                       &*runner);
    if (!run.ok()) return run.status();
    runs.push_back(std::move(*run));
  }
  const nlohmann::ordered_json json = Compare(runs, *reference);
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    Print(json);
  }
  return DrawChart(Draw("grid-" + data->name, json), flags.out);
}

}  // namespace

void AddLabGrid(CLI::App* lab, const Common* common, const Program* program,
                absl::Status* result) {
  auto flags = std::make_shared<GridFlags>();
  CLI::App* grid = lab->add_subcommand(
      "grid",
      "Runs --temperature, then the same with the temperature fixed at every "
      "step of a range, and says how close the first comes to the best");
  AddLabFlags(grid, &flags->lab);
  grid->add_option("--from", flags->from, "Least temperature")
      ->check(CLI::Range(0.005, 5.0))
      ->capture_default_str();
  grid->add_option("--to", flags->to, "Greatest temperature")
      ->check(CLI::Range(0.005, 5.0))
      ->capture_default_str();
  grid->add_option("--step", flags->step, "Between two")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  grid->add_option("--out", flags->out,
                   "Directory for the drawing and for runs/, the results; what "
                   "is there already is not run again")
      ->capture_default_str();
  grid->callback([common, program, flags, result] {
    *result = RunGrid(*common, *program, *flags);
  });
}

}  // namespace taud::cli
