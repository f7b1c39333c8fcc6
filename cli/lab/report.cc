#include "cli/lab/report.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// Of the process, since ForgetPeakMemory if Linux lets us.
double PeakMemoryMib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib / 1024;
  }
  return 0;
}

// From here on the peak is of what is in use now: a run of many has its own.
void ForgetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

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

nlohmann::ordered_json Distribution(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  nlohmann::ordered_json json;
  for (const auto& [name, q] : TauQuantiles()) json[name] = Quantile(values, q);
  return json;
}

constexpr size_t kTauBins = 30;

nlohmann::ordered_json ToJson(const lab::Histogram& histogram) {
  nlohmann::ordered_json json;
  json["least"] = histogram.least;
  json["most"] = histogram.most;
  json["counts"] = histogram.counts;
  return json;
}

// The epochs of a fit; measured is those of them that were.
nlohmann::ordered_json ToJson(const std::vector<lab::EpochFigures>& curve,
                              bool measured_only) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  const std::string main = absl::StrCat("@", lab::kMainCutoff);
  for (const lab::EpochFigures& epoch : curve) {
    if (measured_only && epoch.recall < 0) continue;
    nlohmann::ordered_json entry;
    entry["epoch"] = epoch.epoch;
    if (epoch.recall >= 0) {
      entry["recall" + main] = epoch.recall;
      entry["ndcg" + main] = epoch.ndcg;
    }
    entry["loss"] = epoch.loss;
    entry["tau0"] = epoch.tau0;
    if (!measured_only) {
      entry["positive_score"] = epoch.positive_score;
      entry["item_norm_by_popularity"] = epoch.item_norm;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

// τ_u by noise group (Adap-τ, Figure 6), over one range.
nlohmann::ordered_json TauByGroup(const LabData& data, size_t groups,
                                  const lab::ExperimentResult& result) {
  std::vector<std::vector<float>> by_group(groups);
  for (size_t user = 0; user < result.user_tau.size(); ++user) {
    const float tau = result.user_tau[user];
    if (tau > 0) by_group[data.noise_group[user]].push_back(tau);
  }
  const std::vector<float>& all = result.user_temperatures;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (auto& values : by_group) {
    const lab::Histogram histogram =
        all.empty()
            ? lab::MakeHistogram(all, kTauBins)
            : lab::MakeHistogram(values, kTauBins, all.front(), all.back());
    json.push_back(Distribution(std::move(values)));
    json.back()["histogram"] = ToJson(histogram);
  }
  return json;
}

bool Report(const lab::ExperimentProgress& now, const std::string& label,
            Progress* progress) {
  if (ExperimentsStopped()) return false;
  std::string text =
      absl::StrCat(label, now.phase, ": epoch ", now.epoch, " of ", now.epochs);
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

std::string NumbersOf(const nlohmann::ordered_json& values) {
  std::string text;
  for (const auto& value : values) {
    absl::StrAppend(&text, " ", Fixed(value.get<double>(), 4));
  }
  return text;
}

// A float in the digits that it was given in.
double Rounded(float value) { return std::round(double{value} * 1e6) / 1e6; }

// What was tried on the slice, and its figures there.
void AddTrials(const lab::ExperimentResult& result,
               nlohmann::ordered_json* json) {
  const struct {
    std::string what;
    const std::vector<lab::SliceTrial>& trials;
  } lists[] = {{"beta", result.beta_trials},
               {"rho", result.rho_trials},
               {"tau0_factor", result.tau0_trials},
               {"prior", result.prior_trials},
               {"norm_exponent", result.norm_trials}};
  const std::string main = absl::StrCat("@", lab::kMainCutoff);
  for (const auto& [what, trials] : lists) {
    const std::string key = what == "norm_exponent" ? "norm" : what;
    for (const lab::SliceTrial& trial : trials) {
      (*json)[key + "_trials"].push_back(
          {{what, trial.value},
           {"validation_recall" + main, trial.recall},
           {"validation_ndcg" + main, trial.ndcg}});
    }
  }
  for (const lab::NeighbourTrial& trial : result.neighbour_trials) {
    (*json)["neighbours_trials"].push_back(
        {{"neighbours", Rounded(trial.weights.weight)},
         {"neighbours_power", Rounded(trial.weights.power)},
         {"validation_recall" + main, trial.recall},
         {"validation_ndcg" + main, trial.ndcg}});
  }
}

}  // namespace

void StopExperimentsOnSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool ExperimentsStopped() { return interrupted != 0; }

nlohmann::ordered_json ToJson(const LabFlags& flags, const LabData& data,
                              const lab::ExperimentOptions& options,
                              const lab::ExperimentResult& result,
                              double seconds) {
  const lab::Dataset& dataset = data.dataset;
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
  json["item_norm_by_popularity"] = result.item_norm;
  json["epochs"] = result.epochs;
  json["wall_seconds"] = seconds;
  json["epoch_seconds"] = result.epoch_seconds;
  json["peak_memory_mib"] = PeakMemoryMib();
  json["tau0"] = result.tau0;
  json["tau0_eq13"] = result.tau0_eq13;
  json["tau0_eq14"] = result.tau0_eq14;
  json["positive_gap"] = result.gap;
  json["variance_gap"] = result.variance_gap;
  json["tau_u"] = Distribution(result.user_temperatures);
  json["tau_u_histogram"] =
      ToJson(lab::MakeHistogram(result.user_temperatures, kTauBins));
  if (!data.noise_group.empty()) {
    json["tau_u_by_noise_group"] =
        TauByGroup(data, flags.noise_groups.size(), result);
  }
  if (result.gradient_magnitude >= 0) {
    json["gradient_magnitude"] = result.gradient_magnitude;
  }
  json["rho"] = result.rho;
  if (trainer::IsAdaptive(options.fit.temperature)) {
    json["tau0_factor"] = result.tau0_factor;
  }
  json["prior"] = result.prior;
  json["neighbours"] = Rounded(result.neighbours.weight);
  json["neighbours_power"] = Rounded(result.neighbours.power);
  if (result.norm_exponent.has_value()) {
    json["norm_exponent"] = *result.norm_exponent;
  }
  json["loss"] = result.loss;
  json["false_negatives_per_row"] = result.false_negatives;
  if (options.select == lab::Select::kValidation) {
    json["validation_recall" + main] = result.validation_recall;
    json["validation_ndcg" + main] = result.validation_ndcg;
  }
  AddTrials(result, &json);
  json["protocol"] = result.protocol;
  json.update(Describe(flags, options));
  json["learning_rate"] = result.learning_rate;  // 0 there if not given
  json["beta"] = result.beta;                    // 0 there if to be found
  json["curve"] = ToJson(result.curve, /*measured_only=*/false);
  if (!result.validation_curve.empty()) {
    json["validation_curve"] =
        ToJson(result.validation_curve, /*measured_only=*/true);
  }
  json["users"] = dataset.train.size();
  json["items"] = dataset.items;
  json["train_pairs"] = dataset.train_pairs();
  json["test_pairs"] = dataset.test_pairs();
  json["test_users"] = result.test.users;
  json["cold_test_users"] = dataset.cold_users();
  return json;
}

std::string ToText(const nlohmann::ordered_json& json) {
  const auto number = [&json](const std::string& key) {
    return Fixed(json.at(key).get<double>(), 4);
  };
  Table table({"measured on test", ">@10", ">@20", ">@50"});
  for (const std::string name : {"recall", "ndcg"}) {
    table.AddRow({name, number(name + "@10"), number(name + "@20"),
                  number(name + "@50")});
  }
  for (const std::string name : {"precision", "coverage", "gini"}) {
    table.AddRow({name, "", number(name + "@20"), ""});
  }
  std::string text = table.ToString();
  absl::StrAppend(&text, "\nrecall@20 by popularity, head to tail:",
                  NumbersOf(json.at("recall@20_by_popularity")));
  absl::StrAppend(&text, "\ntau0 ", number("tau0"), "; tau_u");
  for (const auto& [name, value] : json.at("tau_u").items()) {
    absl::StrAppend(&text, " ", name, " ", Fixed(value.get<double>(), 4));
  }
  if (json.contains("tau_u_by_noise_group")) {
    absl::StrAppend(&text, "\nmedian tau_u by noise group:");
    for (const auto& group : json.at("tau_u_by_noise_group")) {
      absl::StrAppend(&text, " ", Fixed(group.at("p50").get<double>(), 4));
    }
  }
  absl::StrAppend(&text, "\nrho ", json.at("rho").get<double>(),
                  ", the common taste as ", json.at("prior").get<double>(),
                  " interactions, the neighbourhood ",
                  json.at("neighbours").get<double>());
  if (json.at("neighbours_power").get<double>() > 0) {
    absl::StrAppend(&text, " by popularity to the power of ",
                    json.at("neighbours_power").get<double>());
  }
  if (json.contains("beta_option")) {
    absl::StrAppend(&text, ", negatives by popularity to the power of ",
                    json.at("beta").get<double>());
  }
  if (json.contains("norm_exponent")) {
    absl::StrAppend(&text, ", norms to the power of ",
                    json.at("norm_exponent").get<double>());
  }
  if (json.contains("rho_trials")) {
    for (const auto& trial : json.at("rho_trials")) {
      absl::StrAppend(
          &text, "; tried ", trial.at("rho").get<double>(), ": recall ",
          Fixed(trial.at("validation_recall@20").get<double>(), 4), ", ndcg ",
          Fixed(trial.at("validation_ndcg@20").get<double>(), 4));
    }
  }
  absl::StrAppend(&text, "\n", json.at("backbone").get<std::string>(), ", ",
                  json.at("loss_function").get<std::string>(), ", ",
                  json.at("temperature").get<std::string>(), ", ",
                  json.at("epochs").get<int>(), " epochs, ",
                  Fixed(json.at("wall_seconds").get<double>(), 1), " s, ",
                  Fixed(json.at("peak_memory_mib").get<double>(), 0),
                  " MiB\nprotocol: ", json.at("protocol").get<std::string>(),
                  "\n");
  if (const auto cold = json.at("cold_test_users").get<size_t>(); cold > 0) {
    absl::StrAppend(&text, Count(cold), " of ",
                    Count(json.at("test_users").get<size_t>()),
                    " test users have no training items: they are given the "
                    "most popular items\n");
  }
  return text;
}

absl::StatusOr<nlohmann::ordered_json> RunReported(
    const LabFlags& flags, const LabData& data,
    const lab::ExperimentOptions& options, const std::string& label,
    Progress* progress) {
  ForgetPeakMemory();
  const absl::Time start = absl::Now();
  auto result = lab::RunExperiment(data.dataset, options,
                                   [&](const lab::ExperimentProgress& now) {
                                     return Report(now, label, progress);
                                   });
  if (!result.ok()) return result.status();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return ToJson(flags, data, options, *result, seconds);
}

}  // namespace taud::cli
