#include "cli/lab/options.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/lab/option_names.h"
#include "cli/lab/option_row.h"
#include "lab/defaults.h"
#include "lab/noise.h"

// What depends on several options at once; each alone is in option_table.cc.

namespace taud::cli {
namespace {

using trainer::Backbone;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;
using trainer::RankBy;

absl::Status ResolveBeta(const LabFlags& flags,
                         lab::ExperimentOptions* options) {
  const bool can_be_found = lab::LeavesNormsFree(options->fit) &&
                            options->fit.loss == Loss::kSsm &&
                            options->fit.source == NegativeSource::kShared;
  options->find_beta =
      flags.beta == "auto" || (flags.beta.empty() && can_be_found);
  if (options->find_beta && !can_be_found) {
    return absl::InvalidArgumentError(
        "--beta is auto, but it is looked for with shared negatives of the "
        "sampled softmax of cosines and backbones but mf only");
  }
  if (options->find_beta || flags.beta.empty() ||
      absl::SimpleAtod(flags.beta, &options->fit.beta)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--beta is '", flags.beta, "', expected a number or auto"));
}

absl::Status ResolveRho(const LabFlags& flags,
                        lab::ExperimentOptions* options) {
  const std::string rho = RhoOf(flags, options->fit);
  options->find_rho = rho == "auto";
  if (options->find_rho || absl::SimpleAtod(rho, &options->fit.rho)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--rho is '", flags.rho, "', expected a number or auto"));
}

absl::Status ResolveTau0Factor(const LabFlags& flags,
                               lab::ExperimentOptions* options) {
  const std::string factor = Tau0FactorOf(flags, options->fit);
  options->find_tau0_factor = factor == "auto";
  if (options->find_tau0_factor ||
      absl::SimpleAtod(factor, &options->tau0_factor)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--tau0-factor is '", flags.tau0_factor, "', expected a number or auto"));
}

absl::Status ResolvePrior(const LabFlags& flags,
                          lab::ExperimentOptions* options) {
  const std::string prior = PriorOf(flags, options->fit);
  options->find_prior = prior == "auto";
  if (options->find_prior || absl::SimpleAtod(prior, &options->prior)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--prior is '", flags.prior, "', expected a number or auto"));
}

absl::Status ResolveNeighbours(const LabFlags& flags,
                               lab::ExperimentOptions* options) {
  const std::string text = NeighboursOf(flags, options->fit);
  options->neighbour_count = flags.neighbour_count;
  options->find_neighbours = text == "auto";
  if (options->find_neighbours) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  query::NeighbourWeights& weights = options->neighbours;
  if (parts.size() <= 2 && absl::SimpleAtof(parts[0], &weights.weight) &&
      (parts.size() == 1 || absl::SimpleAtof(parts[1], &weights.power))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--neighbours is '", flags.neighbours,
                   "', expected auto, a number, or two as 0.5,0.25"));
}

// Where norms are free and the cosine is learnt, how much they count is found.
absl::Status ResolveRanking(const LabFlags& flags,
                            lab::ExperimentOptions* options) {
  const bool free_norms = options->fit.backbone != Backbone::kMf ||
                          options->fit.normalize != Normalize::kBoth;
  const std::string& rank = flags.rank_sim;
  options->find_norm_exponent =
      rank == "auto" || (rank.empty() && lab::LeavesNormsFree(options->fit));
  options->fit.rank = RankOf(rank);
  double exponent = 0;
  if (absl::SimpleAtod(rank, &exponent)) {
    options->norm_exponent = exponent;
  } else if (!rank.empty() && rank != "auto" &&
             options->fit.rank == RankBy::kAsTrained) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--rank-sim is '", rank, "', expected cos, ip, auto or a number"));
  }
  if (!free_norms &&
      (options->find_norm_exponent || options->norm_exponent.has_value())) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rank-sim is ", rank,
                     ", but mf with the cosine has vectors of norm 1: expected "
                     "cos or ip"));
  }
  return absl::OkStatus();
}

absl::Status ResolveThreshold(const LabFlags& flags,
                              trainer::OfflineFitOptions* fit) {
  if (flags.threshold == "mean") return absl::OkStatus();
  if (absl::SimpleAtod(flags.threshold, &fit->threshold_quantile) &&
      fit->threshold_quantile > 0 && fit->threshold_quantile < 1) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--threshold is '", flags.threshold,
                   "', expected mean or a quantile between 0 and 1"));
}

absl::Status ResolveNormalize(const LabFlags& flags,
                              trainer::OfflineFitOptions* fit) {
  fit->normalize =
      flags.train_sim == "cos" ? Normalize::kBoth : Normalize::kNone;
  if (!flags.normalize.empty()) {
    fit->normalize = Normalizations().at(flags.normalize);
    if (flags.train_sim == "ip" && fit->normalize != Normalize::kNone) {
      return absl::InvalidArgumentError(
          absl::StrCat("--normalize is ", flags.normalize,
                       ", but --train-sim ip normalizes nothing"));
    }
  }
  return absl::OkStatus();
}

void ResolveLoss(const LabFlags& flags, trainer::OfflineFitOptions* fit) {
  absl::string_view name = flags.loss;
  const bool in_batch = absl::ConsumeSuffix(&name, "-ib");
  fit->loss = Losses().at(std::string(name));
  fit->source = in_batch                  ? NegativeSource::kInBatch
                : flags.negatives.empty() ? lab::DefaultSource(fit->loss)
                                          : Sources().at(flags.negatives);
}

}  // namespace

void AddLabFlags(CLI::App* command, LabFlags* flags) {
  for (const LabOption& option : LabOptionTable()) {
    option.SetDefault(flags);
    option.Add(command, flags);
  }
}

absl::StatusOr<LabFlags> ParseLabFlags(const std::vector<std::string>& words) {
  CLI::App app;
  LabFlags flags;
  AddLabFlags(&app, &flags);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 1) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  try {
    // CLI11 wants the last word first.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(error.what(), " in `", absl::StrJoin(words, " "), "`"));
  }
  return flags;
}

absl::StatusOr<lab::ExperimentOptions> Resolve(const LabFlags& flags) {
  lab::ExperimentOptions options;
  trainer::OfflineFitOptions& fit = options.fit;
  fit.backbone = BackboneOf(flags);
  ResolveLoss(flags, &fit);
  absl::Status status = ResolveNormalize(flags, &fit);
  status.Update(ResolveBeta(flags, &options));
  status.Update(ResolveRho(flags, &options));
  status.Update(ResolveTau0Factor(flags, &options));
  status.Update(ResolvePrior(flags, &options));
  status.Update(ResolveNeighbours(flags, &options));
  status.Update(ResolveThreshold(flags, &fit));
  status.Update(ResolveRanking(flags, &options));
  if (!status.ok()) return status;
  for (const LabOption& option : LabOptionTable()) {
    option.Resolve(flags, &options);
  }
  lab::SetDefaults(&fit);
  for (const LabOption& option : LabOptionTable()) {
    option.Override(flags, &options);
  }
  return options;
}

LabFlags AsFound(LabFlags flags, const nlohmann::ordered_json& result) {
  const auto found = [&result](const char* key) {
    return absl::StrCat(result.at(key).get<double>());
  };
  flags.rho = found("rho");
  flags.prior = found("prior");
  if (result.contains("tau0_factor")) flags.tau0_factor = found("tau0_factor");
  if (result.contains("neighbours")) {
    flags.neighbours =
        absl::StrCat(found("neighbours"), ",", found("neighbours_power"));
  }
  if (result.contains("beta_option")) flags.beta = found("beta");
  if (result.contains("norm_exponent")) flags.rank_sim = found("norm_exponent");
  return flags;
}

absl::StatusOr<LabData> LoadData(const LabFlags& flags) {
  auto dataset = lab::ReadDataset(flags.data);
  if (!dataset.ok()) return dataset.status();
  LabData data;
  data.dataset = std::move(*dataset);
  if (flags.padding > UINT32_MAX - data.dataset.items) {
    return absl::InvalidArgumentError(
        absl::StrCat("--pad-items is ", flags.padding, ", too many beside ",
                     data.dataset.items, " items"));
  }
  if (!flags.noise_groups.empty()) {
    for (const double ratio : flags.noise_groups) {
      if (ratio >= 0 && ratio <= 10) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--noise-groups has ", ratio, ", expected 0 to 10"));
    }
    data.noise_group = lab::AddNoiseByGroup(flags.noise_groups,
                                            flags.noise_seed, &data.dataset);
  } else if (flags.noise > 0) {
    lab::AddNoise(flags.noise, flags.noise_seed, &data.dataset);
  }
  data.dataset.items += flags.padding;
  return data;
}

nlohmann::ordered_json Describe(const LabFlags& flags,
                                const lab::ExperimentOptions& options) {
  nlohmann::ordered_json json;
  for (const LabOption& option : LabOptionTable()) {
    option.Tell(flags, options, &json);
  }
  return json;
}

}  // namespace taud::cli
