#include "cli/lab/options.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "lab/defaults.h"
#include "lab/noise.h"

namespace taud::cli {
namespace {

using trainer::Backbone;
using trainer::Contrast;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;
using trainer::RankBy;
using trainer::TemperatureRule;

template <class Value>
using Names = std::map<std::string, Value>;

const Names<Loss>& Losses() {
  static const auto& names = *new Names<Loss>{{"ssm", Loss::kSsm},
                                              {"sm", Loss::kSm},
                                              {"bpr", Loss::kBpr},
                                              {"bce", Loss::kBce},
                                              {"ccl", Loss::kCcl}};
  return names;
}

const Names<NegativeSource>& Sources() {
  static const auto& names =
      *new Names<NegativeSource>{{"shared", NegativeSource::kShared},
                                 {"per_row", NegativeSource::kPerRow},
                                 {"in_batch", NegativeSource::kInBatch}};
  return names;
}

const Names<TemperatureRule>& Rules() {
  static const auto& names =
      *new Names<TemperatureRule>{{"adap_tau", TemperatureRule::kAdapTau},
                                  {"adap_tau0", TemperatureRule::kAdapTau0},
                                  {"fixed", TemperatureRule::kFixed},
                                  {"c_tau", TemperatureRule::kCTau},
                                  {"cu_tau", TemperatureRule::kCuTau},
                                  {"none", TemperatureRule::kNone}};
  return names;
}

const Names<Normalize>& Normalizations() {
  static const auto& names = *new Names<Normalize>{{"both", Normalize::kBoth},
                                                   {"user", Normalize::kUser},
                                                   {"item", Normalize::kItem},
                                                   {"none", Normalize::kNone}};
  return names;
}

const Names<Contrast>& Contrasts() {
  static const auto& names = *new Names<Contrast>{{"none", Contrast::kNone},
                                                  {"sgl", Contrast::kSgl},
                                                  {"simgcl", Contrast::kSimGcl},
                                                  {"ncl", Contrast::kNcl}};
  return names;
}

const Names<lab::Select>& Selects() {
  static const auto& names =
      *new Names<lab::Select>{{"validation", lab::Select::kValidation},
                              {"test", lab::Select::kTest},
                              {"last", lab::Select::kLast}};
  return names;
}

template <class Value>
std::vector<std::string> Keys(const Names<Value>& names) {
  std::vector<std::string> keys;
  keys.reserve(names.size());
  for (const auto& [name, value] : names) keys.push_back(name);
  return keys;
}

Backbone BackboneOf(const LabFlags& flags) {
  if (flags.backbone == "lightgcn") return Backbone::kLightGcn;
  if (flags.backbone == "ngcf") return Backbone::kNgcf;
  if (flags.backbone != "svdpp") return Backbone::kMf;
  return flags.svdpp_side == "item" ? Backbone::kSvdPpItem
                                    : Backbone::kSvdPpUser;
}

std::string RankName(const lab::ExperimentOptions& options) {
  if (options.find_norm_exponent) return "auto";
  if (options.norm_exponent.has_value()) {
    return absl::StrCat(*options.norm_exponent);
  }
  if (options.fit.rank == RankBy::kCosine) return "cos";
  if (options.fit.rank == RankBy::kInnerProduct) return "ip";
  return "as trained";
}

RankBy RankOf(const std::string& name) {
  if (name == "cos") return RankBy::kCosine;
  if (name == "ip") return RankBy::kInnerProduct;
  return RankBy::kAsTrained;
}

// `fit` has its backbone, its loss and its norms.
std::string RhoOf(const LabFlags& flags,
                  const trainer::OfflineFitOptions& fit) {
  if (!flags.rho.empty()) return flags.rho;
  const bool found = fit.backbone == Backbone::kMf || lab::LeavesNormsFree(fit);
  return found ? "auto" : "1";
}

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

// A fit that finds ρ is the daemon's own; what is given by hand is the papers',
// who rank by the users' vectors alone.
std::string PriorOf(const LabFlags& flags,
                    const trainer::OfflineFitOptions& fit) {
  if (!flags.prior.empty()) return flags.prior;
  return RhoOf(flags, fit) == "auto" ? "auto" : "0";
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

void AddMethod(CLI::App* command, LabFlags* flags) {
  command->add_option("--backbone", flags->backbone, "What makes the vectors")
      ->check(CLI::IsMember({"mf", "lightgcn", "svdpp", "ngcf"}))
      ->capture_default_str();
  command
      ->add_option("--layers", flags->layers,
                   "Of lightgcn and ngcf; by default 3, and 2 for lightgcn "
                   "with a softmax of cosines and shared negatives")
      ->check(CLI::Range(1, 4));
  command
      ->add_option("--message-dropout", flags->message_dropout,
                   "Of lightgcn and ngcf")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command
      ->add_option("--svdpp-side", flags->svdpp_side,
                   "Whose vectors gather their history")
      ->check(CLI::IsMember({"user", "item"}))
      ->capture_default_str();
  command
      ->add_option("--alpha0", flags->alpha0,
                   "SVD++: exponent of the receiver's degree; by default the "
                   "SSM paper's best, 1 (user side) or 0.5 (item side)")
      ->check(CLI::Range(0.0, 2.0));
  command
      ->add_option("--alpha1", flags->alpha1,
                   "SVD++: exponent of the sender's degree; by default 0 (user "
                   "side) or 0.5 (item side)")
      ->check(CLI::Range(0.0, 2.0));
  command
      ->add_option("--loss", flags->loss,
                   "Sampled softmax, softmax over all items, BPR, BCE or CCL; "
                   "-ib: with the other rows' positives as negatives")
      ->check(CLI::IsMember({"ssm", "sm", "bpr", "bce", "ccl", "ssm-ib",
                             "bpr-ib", "bce-ib", "ccl-ib"}))
      ->capture_default_str();
  command->add_option("--ccl-margin", flags->ccl_margin, "m of CCL")
      ->capture_default_str();
  command->add_option("--ccl-weight", flags->ccl_weight, "w of CCL")
      ->capture_default_str();
  command->add_option(
      "--rho", flags->rho,
      "Weight of the negative side of the softmax losses, or "
      "auto: chosen on a slice cut from train; by default auto for mf and for "
      "a softmax of cosines, otherwise 1");
  command->add_option(
      "--prior", flags->prior,
      "Interactions that the common taste counts as, beside the user's own, in "
      "what items are ranked by, or auto: chosen on a slice cut from train; by "
      "default auto where --rho is, otherwise 0");
  command
      ->add_option("--negatives", flags->negatives,
                   "One draw for all rows of a step, one for each row, or the "
                   "other rows' positives; by default shared, and per_row for "
                   "bpr and bce")
      ->check(CLI::IsMember(Keys(Sources())));
  command
      ->add_option(
          "--negative-count", flags->negative_count,
          "Negatives drawn; by default 1024 shared, or a row 64, 1 (bpr), 4 "
          "(bce)")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option(
      "--beta", flags->beta,
      "Negatives are drawn in proportion to popularity^beta, from 0 "
      "(uniform) to 1, or auto: chosen on a slice cut from train. By "
      "default auto for the sampled softmax of cosines with backbones but "
      "mf and shared negatives, otherwise 0");
  command
      ->add_option("--negative-weight", flags->negative_weight,
                   "What a negative counts in the softmax: 1 (the papers), or "
                   "auto: items / negatives, as many as it stands for")
      ->check(CLI::IsMember({"1", "auto"}))
      ->capture_default_str();
  command
      ->add_option("--false-negatives", flags->false_negatives,
                   "The user's own items among the negatives")
      ->check(CLI::IsMember({"leave_out", "keep"}))
      ->capture_default_str();
  command
      ->add_option("--train-sim", flags->train_sim,
                   "f(u, i) in the loss: cosine or inner product")
      ->check(CLI::IsMember({"cos", "ip"}))
      ->capture_default_str();
  command->add_option(
      "--rank-sim", flags->rank_sim,
      "What items are ranked by: cos, ip, or a number P for cos times the "
      "item's norm to the power of P (0 is cos, 1 is ip), or auto: P is "
      "chosen on a slice cut from train. By default as in the loss, and "
      "auto for the softmax of cosines with backbones but mf");
  command
      ->add_option("--normalize", flags->normalize,
                   "The sides of f(u, i) that are unit vectors; by default "
                   "both with --train-sim cos, none with ip")
      ->check(CLI::IsMember(Keys(Normalizations())));
}

void AddTemperature(CLI::App* command, LabFlags* flags) {
  command
      ->add_option("--temperature", flags->temperature,
                   "adap_tau (a temperature a user), adap_tau0 (one for all, "
                   "from the data), fixed (--tau), c_tau and cu_tau (one, one "
                   "a user, learned through the loss), none (1)")
      ->check(CLI::IsMember(Keys(Rules())))
      ->capture_default_str();
  command->add_option("--tau", flags->tau, "The temperature, if it is fixed")
      ->check(CLI::Range(0.001, 10.0))
      ->capture_default_str();
  command
      ->add_option("--tau0-equation", flags->equation,
                   "Of the Adap-tau paper: 14, or 13 with both variances")
      ->check(CLI::IsMember({13, 14}))
      ->capture_default_str();
  command
      ->add_option("--super-loss-beta", flags->super_loss,
                   "beta of Eq. 16: the greater, the closer the users' "
                   "temperatures")
      ->check(CLI::Range(1e-3, 1e3));
  command
      ->add_option("--common-tau", flags->common_temperature,
                   "The temperature at which users' losses are compared; 0: "
                   "tau0")
      ->check(CLI::Range(0.0, 10.0));
  command
      ->add_option("--threshold", flags->threshold,
                   "m_u of Eq. 16: mean, or a quantile such as 0.9")
      ->capture_default_str();
}

void AddContrast(CLI::App* command, LabFlags* flags) {
  command
      ->add_option("--contrast", flags->contrast,
                   "A contrastive loss beside the first, with --backbone "
                   "lightgcn")
      ->check(CLI::IsMember(Keys(Contrasts())))
      ->capture_default_str();
  command->add_option("--contrast-weight", flags->contrast_weight, "Its weight")
      ->capture_default_str();
  command->add_option("--contrast-tau", flags->contrast_tau, "Its temperature")
      ->check(CLI::Range(0.001, 10.0))
      ->capture_default_str();
  command
      ->add_option("--edge-dropout", flags->edge_dropout,
                   "sgl: share of edges that a view lacks")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command
      ->add_option("--perturbation", flags->perturbation,
                   "simgcl: length of the noise in a view")
      ->capture_default_str();
  command->add_option("--prototypes", flags->prototypes, "ncl: clusters a side")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
}

void AddFitting(CLI::App* command, LabFlags* flags) {
  command
      ->add_option("--learning-rate", flags->learning_rate,
                   "Adam's rate at the start of the schedule; by default what "
                   "suits the backbone, and the data's density")
      ->check(CLI::Range(1e-6, 1.0));
  command
      ->add_option("--batch-rows", flags->batch_rows,
                   "Positives a step, at most; by default what suits the "
                   "backbone")
      ->check(CLI::Range(32, 1 << 20));
  command
      ->add_option("--l2", flags->l2,
                   "Weight of the square of the batch's rows; by default 0, "
                   "and 1e-4 for inner products")
      ->check(CLI::Range(0.0, 10.0));
  command
      ->add_option("--dropout", flags->dropout,
                   "Share of a user's coordinates that a step leaves out; by "
                   "default what suits the backbone")
      ->check(CLI::Range(0.0, 0.9));
  command
      ->add_option("--epochs", flags->epochs,
                   "Length of the learning-rate schedule; by default what "
                   "suits the backbone")
      ->check(CLI::Range(1, 10000));
  command->add_option("--dim", flags->dim, "Width of the vectors")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "Seed of everything but the slice")
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads to learn with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      ->add_option("--device", flags->device,
                   "cpu, auto (a GPU where there is one), cuda or cuda:N. "
                   "Matrix factorisation and LightGCN with the sampled softmax "
                   "need CUDA alone, all else a LibTorch with CUDA")
      ->capture_default_str();
  command
      ->add_option("--select", flags->select,
                   "What chooses the epoch: validation (a slice of train, then "
                   "all of train is fitted), test (the papers' way, flatters), "
                   "last (nothing)")
      ->check(CLI::IsMember(Keys(Selects())))
      ->capture_default_str();
  command
      ->add_option("--measure-every", flags->measure_every,
                   "Measures the last fit on test after every so many epochs, "
                   "for its curve in --json; nothing is chosen by it")
      ->check(CLI::Range(1, 10000));
}

}  // namespace

void AddLabFlags(CLI::App* command, LabFlags* flags) {
  flags->threads =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  command
      ->add_option("--data", flags->data,
                   "Directory of train.txt and test.txt, lines of `user item "
                   "item …`")
      ->required();
  command
      ->add_option("--noise", flags->noise,
                   "False positives to add to train, as a share of each user's "
                   "items")
      ->check(CLI::Range(0.0, 10.0));
  command
      ->add_option("--noise-groups", flags->noise_groups,
                   "The same with a share for each of some random groups of "
                   "users: 0.1,0.2,0.3,0.4")
      ->delimiter(',')
      ->excludes("--noise");
  command
      ->add_option("--pad-items", flags->padding,
                   "Items to add that nobody has, as negatives and to rank: "
                   "what a larger catalogue costs")
      ->check(CLI::Range(0, 100'000'000));
  AddMethod(command, flags);
  AddTemperature(command, flags);
  AddContrast(command, flags);
  AddFitting(command, flags);
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
  status.Update(ResolvePrior(flags, &options));
  status.Update(ResolveThreshold(flags, &fit));
  status.Update(ResolveRanking(flags, &options));
  if (!status.ok()) return status;
  fit.message_dropout = flags.message_dropout;
  fit.ccl_margin = flags.ccl_margin;
  fit.ccl_weight = flags.ccl_weight;
  fit.weigh_negatives = flags.negative_weight == "auto";
  fit.leave_out_known = flags.false_negatives == "leave_out";
  fit.temperature = Rules().at(flags.temperature);
  fit.tau = flags.tau;
  fit.eq13 = flags.equation == 13;
  fit.contrast = Contrasts().at(flags.contrast);
  fit.contrast_weight = flags.contrast_weight;
  fit.contrast_tau = flags.contrast_tau;
  fit.edge_dropout = flags.edge_dropout;
  fit.noise = flags.perturbation;
  fit.padding = flags.padding;
  fit.prototypes = flags.prototypes;
  fit.dim = flags.dim;
  fit.seed = flags.seed;
  lab::SetDefaults(&fit);
  const auto given = [](auto value, auto nothing, auto* field) {
    if (value != nothing) *field = value;
  };
  given(flags.layers, 0, &fit.layers);
  given(flags.alpha0, -1.0, &fit.alpha0);
  given(flags.alpha1, -1.0, &fit.alpha1);
  given(flags.negative_count, 0, &fit.negatives);
  given(flags.super_loss, 0.0, &fit.super_loss);
  given(flags.common_temperature, -1.0, &fit.common_temperature);
  given(flags.learning_rate, 0.0, &fit.learning_rate);
  given(flags.batch_rows, 0, &fit.batch_rows);
  given(flags.l2, -1.0, &fit.l2);
  given(flags.dropout, -1.0, &fit.dropout);
  given(flags.epochs, 0, &fit.schedule_epochs);
  options.threads = flags.threads;
  options.device = flags.device;
  options.select = Selects().at(flags.select);
  options.measure_every = flags.measure_every;
  return options;
}

LabFlags AsFound(LabFlags flags, const nlohmann::ordered_json& result) {
  const auto found = [&result](const char* key) {
    return absl::StrCat(result.at(key).get<double>());
  };
  flags.rho = found("rho");
  flags.prior = found("prior");
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
  const trainer::OfflineFitOptions& fit = options.fit;
  const auto name_of = [](const auto& names, auto value) {
    for (const auto& [name, candidate] : names) {
      if (candidate == value) return name;
    }
    return std::string("?");
  };
  nlohmann::ordered_json json;
  json["data"] = flags.data;
  json["noise"] = flags.noise;
  if (!flags.noise_groups.empty()) json["noise_groups"] = flags.noise_groups;
  json["backbone"] = flags.backbone;
  if (flags.backbone == "lightgcn" || flags.backbone == "ngcf") {
    json["layers"] = fit.layers;
    json["message_dropout"] = fit.message_dropout;
  }
  if (flags.backbone == "svdpp") {
    json["svdpp_side"] = flags.svdpp_side;
    json["alpha0"] = fit.alpha0;
    json["alpha1"] = fit.alpha1;
  }
  json["loss_function"] = flags.loss;
  if (fit.loss == Loss::kCcl) {
    json["ccl_margin"] = fit.ccl_margin;
    json["ccl_weight"] = fit.ccl_weight;
  }
  json["rho_option"] = RhoOf(flags, fit);
  // Without it there is nothing to tell, as before there was such an option.
  const std::string prior = PriorOf(flags, fit);
  if (prior != "0") json["prior_option"] = prior;
  json["negatives"] = name_of(Sources(), fit.source);
  json["negative_count"] = fit.negatives;
  json["beta"] = fit.beta;
  if (options.find_beta) json["beta_option"] = "auto";
  json["negative_weight"] = flags.negative_weight;
  json["false_negatives"] = flags.false_negatives;
  json["normalize"] = name_of(Normalizations(), fit.normalize);
  json["rank_sim"] = RankName(options);
  json["temperature"] = flags.temperature;
  if (fit.temperature == TemperatureRule::kFixed) json["tau"] = fit.tau;
  if (trainer::IsAdaptive(fit.temperature)) {
    json["tau0_equation"] = flags.equation;
    json["super_loss_beta"] = fit.super_loss;
    json["common_tau"] = fit.common_temperature;
    json["threshold"] = flags.threshold;
  }
  json["contrast"] = flags.contrast;
  if (fit.contrast != Contrast::kNone) {
    json["contrast_weight"] = fit.contrast_weight;
    json["contrast_tau"] = fit.contrast_tau;
    json["edge_dropout"] = fit.edge_dropout;
    json["perturbation"] = fit.noise;
    json["prototypes"] = fit.prototypes;
  }
  json["learning_rate"] = fit.learning_rate;
  json["batch_rows"] = fit.batch_rows;
  json["l2"] = fit.l2;
  json["dropout"] = fit.dropout;
  json["schedule_epochs"] = fit.schedule_epochs;
  json["dim"] = fit.dim;
  json["seed"] = fit.seed;
  json["threads"] = options.threads;
  json["device"] = options.device;
  json["select"] = flags.select;
  if (flags.padding > 0) json["pad_items"] = flags.padding;
  if (flags.measure_every > 0) json["measure_every"] = flags.measure_every;
  return json;
}

}  // namespace taud::cli
