// tauctl lab table

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/files/replace_file.h"
#include "cli/lab/chart.h"
#include "cli/lab/commands.h"
#include "cli/lab/report.h"
#include "cli/lab/runner.h"
#include "cli/lab/tables/plan.h"
#include "cli/lab/tables/results.h"
#include "cli/lab/tables/spec.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TableFlags {
  std::string name;
  bool list = false;
  std::vector<std::string> data;
  std::string out = "lab-results";
  std::vector<std::string> only;
  bool dry_run = false;
  uint64_t seed = 1;
  int seeds = 1;
  // Given to every run, if they are.
  std::string epochs, threads, device, select, with;
};

size_t RunsOf(const LabTable& table) {
  size_t runs = 0;
  for (const LabRow& row : table.rows) {
    runs += std::max<size_t>(1, row.values.size());
  }
  return runs;
}

void List(bool json) {
  Json list = Json::array();
  Table text({"table", ">runs a data set", "what"});
  for (const LabTable& table : AllLabTables()) {
    list.push_back({{"name", table.name},
                    {"runs", RunsOf(table)},
                    {"paper", table.paper},
                    {"title", table.title},
                    {"data_sets", table.data_sets}});
    text.AddRow({table.name, absl::StrCat(RunsOf(table)), table.title});
  }
  if (json) {
    std::cout << list.dump() << "\n";
  } else {
    std::cout << text.ToString();
  }
}

absl::StatusOr<LabTableRequest> RequestOf(const TableFlags& flags) {
  LabTableRequest request;
  if (flags.data.empty()) {
    return absl::InvalidArgumentError(
        "give the data sets as --data [NAME=]DIRECTORY");
  }
  for (const std::string& text : flags.data) {
    auto data = ParseDataSet(text);
    if (!data.ok()) return data.status();
    request.data.push_back(*std::move(data));
  }
  for (int s = 0; s < flags.seeds; ++s) {
    request.seeds.push_back(flags.seed + static_cast<uint64_t>(s));
  }
  request.only = flags.only;
  const std::pair<const char*, const std::string*> given[] = {
      {"--epochs", &flags.epochs},
      {"--threads", &flags.threads},
      {"--device", &flags.device},
      {"--select", &flags.select}};
  for (const auto& [option, value] : given) {
    if (value->empty()) continue;
    request.words.push_back(option);
    request.words.push_back(*value);
  }
  for (const auto word : absl::StrSplit(flags.with, ' ', absl::SkipEmpty())) {
    request.words.emplace_back(word);
  }
  return request;
}

// A run of the table, and whether it is done.
struct Step {
  PlannedCell planned;
  LabRun run;
  bool done = false;
};

// Runs what is not done. What fails is noted and passed over, unless it is a
// stop.
class TableJob {
 public:
  TableJob(const LabTable& table, LabTableRequest request, LabRunner runner)
      : table_(table),
        request_(std::move(request)),
        runner_(std::move(runner)),
        progress_("runs") {
    results_.table = &table;
    results_.data = request_.data;
    results_.seeds = request_.seeds;
  }

  // Plans all, and finds what is done already.
  absl::Status Plan() {
    auto plan = PlanLabTable(table_, request_);
    if (!plan.ok()) return plan.status();
    for (PlannedCell& planned : *plan) {
      auto run = runner_.Plan(planned.flags);
      if (!run.ok()) return run.status();
      Step step = {std::move(planned), *std::move(run), false};
      if (auto found = runner_.Find(step.run, &progress_)) {
        results_.done[step.planned.cell] = *std::move(found);
        step.done = true;
      }
      steps_.push_back(std::move(step));
    }
    return absl::OkStatus();
  }

  // Replaces the program if a run needs the other one.
  absl::Status UseTensors(const Program& program) {
    for (Step& step : steps_) {
      if (step.done || !step.planned.asked) continue;
      absl::Status status = cli::UseTensors(program, &step.run.options);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Run() {
    size_t left = 0;
    for (const Step& step : steps_) {
      if (!step.done && step.planned.asked) ++left;
    }
    const size_t count = left;
    const absl::Time start = absl::Now();
    progress_.Note(absl::StrCat(table_.name, ": ", steps_.size(), " runs, ",
                                results_.done.size(), " done already, ", count,
                                " to do"));
    for (Step& step : steps_) {
      if (step.done || !step.planned.asked) continue;
      const LabCell& cell = step.planned.cell;
      const std::string name = CellName(table_, request_, cell);
      // Another row, or another process, may have done it by now.
      auto result = runner_.Find(step.run, &progress_);
      if (!result) {
        Progress epochs("epochs");  // its share and time left are the run's
        auto fresh = runner_.Run(
            step.run,
            absl::StrCat(count - left + 1, " of ", count, ", ", name, ", "),
            &epochs);
        if (ExperimentsStopped()) {
          return absl::CancelledError(absl::StrCat(
              "stopped; the same command goes on with what is left, ", left,
              " runs"));
        }
        if (fresh.ok()) result = *std::move(fresh);
        if (!fresh.ok()) {
          results_.failed[cell] = std::string(fresh.status().message());
          progress_.Note(absl::StrCat(name, ": ", fresh.status().message()));
        }
      }
      if (result) results_.done[cell] = *std::move(result);
      --left;
      const absl::Duration each =
          (absl::Now() - start) / static_cast<int64_t>(count - left);
      progress_.Note(absl::StrCat(
          count - left, " of ", count, " runs done, about ",
          absl::FormatDuration(
              absl::Trunc(each * static_cast<int64_t>(left), absl::Seconds(1))),
          " left"));
    }
    return absl::OkStatus();
  }

  void PrintPlan(bool json) const {
    Json list = Json::array();
    Table text({"run", "hash", "state", "options"});
    for (const Step& step : steps_) {
      const std::string name = CellName(table_, request_, step.planned.cell);
      const char* state = step.done            ? "done"
                          : step.planned.asked ? "to do"
                                               : "not asked for";
      const LabRow& row = table_.rows[step.planned.cell.row];
      list.push_back({{"run", name},
                      {"hash", step.run.key.hash},
                      {"state", state},
                      {"options", row.options}});
      text.AddRow({name, step.run.key.hash, state, row.options});
    }
    if (json) {
      std::cout << list.dump() << "\n";
    } else {
      std::cout << text.ToString();
    }
  }

  const LabTableResults& results() const { return results_; }

 private:
  const LabTable& table_;
  const LabTableRequest request_;
  LabRunner runner_;
  Progress progress_;
  std::vector<Step> steps_;
  LabTableResults results_;
};

// Writes DIRECTORY/NAME.md and the drawings, and prints.
absl::Status Publish(const LabTableResults& results,
                     const std::string& directory, bool as_json) {
  std::vector<std::string> images;
  absl::Status drawn;
  for (const Chart& chart : TableCharts(results)) {
    absl::Status status = DrawChart(chart, directory);
    if (status.ok()) images.push_back(chart.file);
    drawn.Update(status);
  }
  Json json = TableJson(results);
  for (const std::string& image : images) {
    json["drawings"].push_back(absl::StrCat(directory, "/", image, ".svg"));
  }
  const std::string markdown = TableMarkdown(json, images);
  absl::Status status = ReplaceFile(
      absl::StrCat(directory, "/", results.table->name, ".md"), markdown);
  if (!status.ok()) return status;
  std::cout << (as_json ? json.dump() + "\n" : markdown) << std::flush;
  return drawn;
}

absl::Status RunTable(const Common& common, const Program& program,
                      const TableFlags& flags) {
  if (flags.list) {
    List(common.json);
    return absl::OkStatus();
  }
  const LabTable* table = FindLabTable(flags.name);
  if (table == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no table '", flags.name,
                     "'; `tauctl lab table --list` names those there are"));
  }
  auto request = RequestOf(flags);
  if (!request.ok()) return request.status();
  auto runner = LabRunner::Open(flags.out);
  if (!runner.ok()) return runner.status();
  TableJob job(*table, *std::move(request), *std::move(runner));
  absl::Status status = job.Plan();
  if (!status.ok()) return status;
  if (flags.dry_run) {
    job.PrintPlan(common.json);
    return absl::OkStatus();
  }
  status = job.UseTensors(program);
  if (!status.ok()) return status;
  StopExperimentsOnSignals();
  status = job.Run();
  status.Update(Publish(job.results(), flags.out, common.json));
  if (status.ok() && !job.results().failed.empty()) {
    return absl::InternalError(
        absl::StrCat(job.results().failed.size(), " runs failed; see above"));
  }
  return status;
}

}  // namespace

void AddLabTable(CLI::App* lab, const Common* common, const Program* program,
                 absl::Status* result) {
  auto flags = std::make_shared<TableFlags>();
  CLI::App* table = lab->add_subcommand(
      "table",
      "Runs what a table or figure of the papers shows and prints it beside "
      "the paper's numbers. Results are kept: a table that was interrupted "
      "goes on, and no run is done twice");
  table->add_option("name", flags->name, "Which; see --list");
  table->add_flag("--list", flags->list, "Names the tables and their runs");
  table->add_option("--data", flags->data,
                    "[NAME=]DIRECTORY of a data set; several times for several "
                    "(the name is the paper's, and by default the "
                    "directory's)");
  table
      ->add_option("--out", flags->out,
                   "Directory for NAME.md, drawings and runs/, the results")
      ->capture_default_str();
  table->add_option("--only", flags->only,
                    "Runs this row, or these rows of a group, only");
  table->add_flag("--dry-run", flags->dry_run,
                  "Lists the runs, their hashes and whether they are done");
  table->add_option("--seed", flags->seed, "The first seed")
      ->capture_default_str();
  table
      ->add_option("--seeds", flags->seeds,
                   "Runs everything with so many seeds: mean and deviation")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  table->add_option("--epochs", flags->epochs, "Of every run");
  table->add_option("--threads", flags->threads, "Of every run");
  table->add_option("--device", flags->device, "Of every run");
  table->add_option("--select", flags->select, "Of every run");
  table->add_option("--with", flags->with,
                    "More options of `lab run`, for every run");
  table->callback([common, program, flags, result] {
    *result = RunTable(*common, *program, *flags);
  });
}

}  // namespace taud::cli
