// tauctl lab run

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "lab/dataset.h"
#include "lab/experiment.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

struct RunFlags {
  std::string data;
  std::string temperature = "adap_tau";
  std::string rho = "1";
  std::string false_negatives = "leave_out";
  std::string select = "validation";
  lab::ExperimentOptions options;
};

const std::map<std::string, lab::Temperature>& Temperatures() {
  static const auto& names = *new std::map<std::string, lab::Temperature>{
      {"adap_tau", lab::Temperature::kAdapTau},
      {"adap_tau0", lab::Temperature::kAdapTau0},
      {"fixed", lab::Temperature::kFixed}};
  return names;
}

const std::map<std::string, lab::Select>& Selects() {
  static const auto& names = *new std::map<std::string, lab::Select>{
      {"validation", lab::Select::kValidation},
      {"test", lab::Select::kTest},
      {"last", lab::Select::kLast}};
  return names;
}

template <class Value>
std::vector<std::string> Names(const std::map<std::string, Value>& values) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

volatile std::sig_atomic_t interrupted = 0;

// The first signal asks the experiment to stop, the next one ends the process.
void StopOnSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

double PeakMemoryMib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

double Quantile(const std::vector<float>& sorted, double q) {
  if (sorted.empty()) return 0;
  const double last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(std::lround(q * last))];
}

const std::vector<std::pair<std::string, double>>& TauQuantiles() {
  static const auto& quantiles =
      *new std::vector<std::pair<std::string, double>>{
          {"min", 0.0},  {"p10", 0.1}, {"p25", 0.25}, {"p50", 0.5},
          {"p75", 0.75}, {"p90", 0.9}, {"max", 1.0}};
  return quantiles;
}

bool Report(const lab::ExperimentProgress& now, Progress* progress) {
  if (interrupted != 0) return false;
  std::string text =
      absl::StrCat(now.phase, ": epoch ", now.epoch, " of ", now.epochs);
  if (now.epoch > 0) {
    absl::StrAppendFormat(&text, ", loss %.4f, tau0 %.4f", now.loss, now.tau0);
  }
  if (now.epoch_ended && now.recall >= 0) {
    progress->Note(absl::StrCat(
        text,
        absl::StrFormat(", recall@%d %.4f, ndcg@%d %.4f", lab::kMainCutoff,
                        now.recall, lab::kMainCutoff, now.ndcg)));
  } else {
    progress->Show(text, now.share);
  }
  return true;
}

nlohmann::ordered_json ToJson(const RunFlags& flags,
                              const lab::Dataset& dataset,
                              const lab::ExperimentResult& result,
                              double seconds) {
  const lab::ExperimentOptions& options = flags.options;
  const std::string main = absl::StrCat("@", lab::kMainCutoff);
  nlohmann::ordered_json json;
  for (size_t c = 0; c < lab::kCutoffs.size(); ++c) {
    json[absl::StrCat("recall@", lab::kCutoffs[c])] = result.test.recall[c];
  }
  for (size_t c = 0; c < lab::kCutoffs.size(); ++c) {
    json[absl::StrCat("ndcg@", lab::kCutoffs[c])] = result.test.ndcg[c];
  }
  json["precision" + main] = result.test.precision;
  json["coverage" + main] = result.test.coverage;
  json["gini" + main] = result.test.gini;
  json["recall" + main + "_by_popularity"] = result.test.group_recall;
  json["epochs"] = result.epochs;
  json["wall_seconds"] = seconds;
  json["peak_memory_mib"] = PeakMemoryMib();
  json["tau0"] = result.tau0;
  for (const auto& [name, q] : TauQuantiles()) {
    json["tau_u"][name] = Quantile(result.user_temperatures, q);
  }
  json["rho"] = result.rho;
  json["loss"] = result.loss;
  json["false_negatives_per_row"] = result.false_negatives;
  if (options.select == lab::Select::kValidation) {
    json["validation_recall" + main] = result.validation_recall;
    json["validation_ndcg" + main] = result.validation_ndcg;
  }
  for (const lab::Trial& trial : result.trials) {
    nlohmann::ordered_json entry;
    entry["rho"] = trial.rho;
    entry["validation_recall" + main] = trial.recall;
    entry["validation_ndcg" + main] = trial.ndcg;
    json["rho_trials"].push_back(entry);
  }
  json["protocol"] = result.protocol;
  json["backbone"] = "mf";
  json["loss_function"] = "ssm";
  json["temperature"] = flags.temperature;
  json["beta"] = options.beta;
  json["false_negatives"] = flags.false_negatives;
  json["dropout"] = options.dropout;
  json["dim"] = options.dim;
  json["learning_rate"] = options.learning_rate;
  json["schedule_epochs"] = options.epochs;
  json["seed"] = options.seed;
  json["threads"] = options.threads;
  json["data"] = flags.data;
  json["users"] = dataset.train.size();
  json["items"] = dataset.items;
  json["train_pairs"] = dataset.train_pairs();
  json["test_pairs"] = dataset.test_pairs();
  json["test_users"] = result.test.users;
  return json;
}

std::string ToTable(const RunFlags& flags, const lab::ExperimentResult& result,
                    double seconds) {
  Table table({"measured on test", ">@10", ">@20", ">@50"});
  const auto add = [&](const std::string& name, const auto& values) {
    table.AddRow(
        {name, Fixed(values[0], 4), Fixed(values[1], 4), Fixed(values[2], 4)});
  };
  add("recall", result.test.recall);
  add("ndcg", result.test.ndcg);
  table.AddRow({"precision", "", Fixed(result.test.precision, 4), ""});
  table.AddRow({"coverage", "", Fixed(result.test.coverage, 4), ""});
  table.AddRow({"gini", "", Fixed(result.test.gini, 4), ""});
  std::string text = table.ToString();

  absl::StrAppend(&text, "\nrecall@20 by popularity, head to tail:");
  for (const double recall : result.test.group_recall) {
    absl::StrAppend(&text, " ", Fixed(recall, 4));
  }
  absl::StrAppend(&text, "\ntau0 ", Fixed(result.tau0, 4), "; tau_u");
  for (const auto& [name, q] : TauQuantiles()) {
    absl::StrAppend(&text, " ", name, " ",
                    Fixed(Quantile(result.user_temperatures, q), 4));
  }
  absl::StrAppend(&text, "\nrho ", result.rho);
  for (const lab::Trial& trial : result.trials) {
    absl::StrAppend(&text, "; tried ", trial.rho, ": recall ",
                    Fixed(trial.recall, 4), ", ndcg ", Fixed(trial.ndcg, 4));
  }
  absl::StrAppend(&text, "\n", flags.temperature, ", ", result.epochs,
                  " epochs, ", Fixed(seconds, 1), " s, ",
                  Fixed(PeakMemoryMib(), 0),
                  " MiB\nprotocol: ", result.protocol, "\n");
  return text;
}

absl::Status RunLab(const Common& common, RunFlags flags) {
  if (flags.rho == "auto") {
    flags.options.find_rho = true;
  } else if (!absl::SimpleAtod(flags.rho, &flags.options.rho)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rho is '", flags.rho, "', expected a number or auto"));
  }
  flags.options.temperature = Temperatures().at(flags.temperature);
  flags.options.select = Selects().at(flags.select);
  flags.options.leave_out_known = flags.false_negatives == "leave_out";
  const absl::Time start = absl::Now();
  auto dataset = lab::ReadDataset(flags.data);
  if (!dataset.ok()) return dataset.status();
  StopOnSignals();
  Progress progress("epochs");
  auto result = lab::RunExperiment(*dataset, flags.options,
                                   [&](const lab::ExperimentProgress& now) {
                                     return Report(now, &progress);
                                   });
  if (!result.ok()) return result.status();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (common.json) {
    std::cout << ToJson(flags, *dataset, *result, seconds).dump() << "\n";
  } else {
    std::cout << ToTable(flags, *result, seconds);
  }
  return absl::OkStatus();
}

}  // namespace

void AddLabRun(CLI::App* lab, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<RunFlags>();
  lab::ExperimentOptions& options = flags->options;
  options.threads =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  CLI::App* run = lab->add_subcommand(
      "run",
      "Learns from DIR/train.txt and measures on DIR/test.txt, offline: matrix "
      "factorisation with the sampled softmax loss. What must be chosen is "
      "chosen on a slice cut from train");
  run->add_option("--data", flags->data,
                  "Directory of train.txt and test.txt, lines of `user item "
                  "item …`")
      ->required();
  run->add_option("--temperature", flags->temperature,
                  "adap_tau (a temperature a user), adap_tau0 (one for all, "
                  "from the data), fixed (--tau)")
      ->check(CLI::IsMember(Names(Temperatures())))
      ->capture_default_str();
  run->add_option("--tau", options.tau, "The temperature, if it is fixed")
      ->check(CLI::Range(0.001, 10.0))
      ->capture_default_str();
  run->add_option("--rho", flags->rho,
                  "Weight of the negative side of the loss, or auto: chosen "
                  "on a slice cut from train")
      ->capture_default_str();
  run->add_option("--beta", options.beta,
                  "Negatives are drawn in proportion to popularity^beta; 0 is "
                  "uniform")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  run->add_option("--false-negatives", flags->false_negatives,
                  "The user's own items among the negatives")
      ->check(CLI::IsMember({"leave_out", "keep"}))
      ->capture_default_str();
  run->add_option("--dropout", options.dropout,
                  "Share of a user's coordinates that a step leaves out")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  run->add_option("--learning-rate", options.learning_rate,
                  "Adam's rate at the start of the schedule")
      ->check(CLI::Range(1e-5, 1.0))
      ->capture_default_str();
  run->add_option("--epochs", options.epochs,
                  "Length of the learning-rate schedule")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  run->add_option("--dim", options.dim, "Width of the vectors")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  run->add_option("--seed", options.seed, "Seed of everything but the slice")
      ->capture_default_str();
  run->add_option("--threads", options.threads, "Threads to learn with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  run->add_option("--select", flags->select,
                  "What chooses the epoch: validation (a slice of train, then "
                  "all of train is fitted), test (the papers' way, flatters), "
                  "last (nothing)")
      ->check(CLI::IsMember(Names(Selects())))
      ->capture_default_str();
  run->callback([common, flags, result] { *result = RunLab(*common, *flags); });
}

}  // namespace taud::cli
