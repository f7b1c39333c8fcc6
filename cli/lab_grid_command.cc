// tauctl lab grid

#include <cmath>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/lab_options.h"
#include "cli/lab_report.h"
#include "cli/output.h"

namespace taud::cli {
namespace {

struct GridFlags {
  LabFlags lab;
  double from = 0.04, to = 0.24, step = 0.02;
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

absl::Status RunGrid(const Common& common, const Program& program,
                     GridFlags flags) {
  if (flags.from > flags.to) {
    return absl::InvalidArgumentError(
        absl::StrCat("--from is ", flags.from, ", beyond --to, ", flags.to));
  }
  auto adaptive = Resolve(flags.lab);
  if (!adaptive.ok()) return adaptive.status();
  if (flags.lab.temperature == "fixed") {
    return absl::InvalidArgumentError(
        "--temperature is fixed: name what the fixed ones are compared with");
  }
  absl::Status status = UseTensors(program, &*adaptive);
  if (!status.ok()) return status;
  auto data = LoadData(flags.lab);
  if (!data.ok()) return data.status();
  StopExperimentsOnSignals();

  Progress progress("epochs");
  const int count =
      1 +
      static_cast<int>(std::floor((flags.to - flags.from) / flags.step + 1e-9));
  auto reference = RunReported(
      flags.lab, *data, *adaptive,
      absl::StrCat("1 of ", count + 1, ", ", flags.lab.temperature, ", "),
      &progress);
  if (!reference.ok()) return reference.status();
  // The same method with the temperature fixed: ρ is the one found.
  std::vector<nlohmann::ordered_json> runs;
  for (int i = 0; i < count; ++i) {
    LabFlags fixed = flags.lab;
    fixed.temperature = "fixed";
    fixed.tau = flags.from + i * flags.step;
    fixed.rho = absl::StrCat(reference->at("rho").get<double>());
    auto options = Resolve(fixed);
    if (!options.ok()) return options.status();
    options->tensors = adaptive->tensors;
    auto run = RunReported(fixed, *data, *options,
                           absl::StrCat(i + 2, " of ", count + 1, ", tau ",
                                        Fixed(fixed.tau, 3), ", "),
                           &progress);
    if (!run.ok()) return run.status();
    runs.push_back(std::move(*run));
  }
  const nlohmann::ordered_json json = Compare(runs, *reference);
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    Print(json);
  }
  return absl::OkStatus();
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
  grid->callback([common, program, flags, result] {
    *result = RunGrid(*common, *program, *flags);
  });
}

}  // namespace taud::cli
