#include "lab/experiment.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lab/beta_trials.h"
#include "lab/fit_phase.h"
#include "lab/rho_trials.h"
#include "lab/tau0_trials.h"

namespace taud::lab {
namespace {

// The validation slice: a tenth of the interactions, the same for every seed.
constexpr double kValidationShare = 0.1;
constexpr uint64_t kValidationSeed = 20240229;

// Fits that are only to settle τ₀ or to compare values of ρ are this long.
constexpr int kShortEpochs = 12;

class Experiment {
 public:
  Experiment(const Dataset& dataset, const ExperimentOptions& options,
             const ExperimentObserver& observer)
      : dataset_(dataset),
        options_(options),
        fit_(options.fit),
        phases_(dataset, options, observer) {
    if (NeedsSlice()) {
      split_ = CutValidation(dataset.train, kValidationShare, kValidationSeed);
    }
    phases_.Plan(PlannedEpochs());
  }

  absl::StatusOr<ExperimentResult> Run();

 private:
  bool FindsRho() const {
    return options_.find_rho && (fit_.loss == trainer::Loss::kSsm ||
                                 fit_.loss == trainer::Loss::kSm);
  }
  bool FindsBeta() const {
    return options_.find_beta && fit_.loss == trainer::Loss::kSsm &&
           fit_.source == trainer::NegativeSource::kShared;
  }
  bool FindsTau0Factor() const {
    return options_.find_tau0_factor && Adaptive() &&
           (fit_.loss == trainer::Loss::kSsm ||
            fit_.loss == trainer::Loss::kSm);
  }
  bool FindsPrior() const { return options_.find_prior; }
  bool FindsExponent() const { return options_.find_norm_exponent; }
  bool FindsNeighbours() const { return options_.find_neighbours; }
  bool TriesAnything() const {
    return FindsBeta() || FindsRho() || FindsTau0Factor() || TriesRankings();
  }
  bool NeedsSlice() const {
    return TriesAnything() || options_.select == Select::kValidation;
  }
  // Whether ways to rank are tried with the fit whose ρ is gone on with.
  bool TriesRankings() const { return FindsExponent() || TriesWithRows(); }
  // Of them, those that are tried once the fit is chosen.
  bool TriesWithRows() const { return FindsPrior() || FindsNeighbours(); }
  bool Adaptive() const { return trainer::IsAdaptive(fit_.temperature); }
  bool NeedsPilot() const {
    return TriesAnything() ||
           (Adaptive() && (fit_.rho != 1.0 || options_.tau0_factor != 1.0));
  }
  // Of the pilot: τ₀ settles at 1, and trials begin there.
  double FirstRho() const { return FindsRho() || Adaptive() ? 1.0 : fit_.rho; }
  int Epochs() const { return fit_.schedule_epochs; }
  int ShortEpochs() const { return std::min(kShortEpochs, Epochs()); }
  // At most; from it the time left is estimated.
  double PlannedEpochs() const;
  std::string Protocol(const ExperimentResult& result) const;

  absl::Status ChooseEpoch(Phase* phase, ExperimentResult* result);
  static void Report(PhaseResult fitted, ExperimentResult* result);
  void NoteRankings(const Phase& phase, PhaseResult fit,
                    ExperimentResult* result);
  absl::StatusOr<PhaseResult> SettleBeta(ExperimentResult* result);
  absl::Status SettleRho(ExperimentResult* result);
  absl::Status SettleTau0(double rho, PhaseResult fit,
                          ExperimentResult* result);
  // A short fit on the slice, without β, ρ and τ₀.
  Phase ShortPhase() const;
  // A short fit on the slice, with τ₀ as it is held.
  absl::StatusOr<PhaseResult> Try(const std::string& name, double beta,
                                  double rho);

  const Dataset& dataset_;
  const ExperimentOptions& options_;
  const trainer::OfflineFitOptions& fit_;  // the options'
  FitPhases phases_;
  Split split_;
  double held_tau0_ = 0;
};

double Experiment::PlannedEpochs() const {
  double epochs = Epochs();
  if (options_.select == Select::kValidation) epochs *= 2;
  if (NeedsPilot()) epochs += ShortEpochs();
  if (FindsBeta()) epochs += (kBetas.size() - 1.0) * ShortEpochs();
  if (FindsRho()) {
    epochs += (kMostTrials - 1) * ShortEpochs();
  } else if ((TriesRankings() || FindsTau0Factor()) && fit_.rho != FirstRho()) {
    epochs += ShortEpochs();
  }
  if (FindsTau0Factor()) epochs += (kMostTau0Trials - 1) * ShortEpochs();
  return epochs;
}

absl::StatusOr<ExperimentResult> Experiment::Run() {
  ExperimentResult result;
  result.beta = fit_.beta;
  result.rho = FindsRho() ? 1.0 : fit_.rho;
  result.prior = options_.prior;
  result.neighbours = options_.neighbours;
  if (!FindsExponent()) result.norm_exponent = options_.norm_exponent;
  if (NeedsPilot()) {
    absl::Status status = SettleRho(&result);
    if (!status.ok()) return status;
  }

  Phase phase;
  phase.schedule = phase.epochs = Epochs();
  phase.beta = result.beta;
  phase.rho = result.rho;
  phase.held_tau0 = held_tau0_;
  phase.prior = result.prior;
  phase.norm_exponent = result.norm_exponent;
  phase.neighbours = result.neighbours;
  if (options_.select == Select::kValidation) {
    absl::Status status = ChooseEpoch(&phase, &result);
    if (!status.ok()) return status;
  }
  phase.name = options_.select == Select::kValidation ? "refit" : "fit";
  phase.train = &dataset_.train;
  phase.test = &dataset_.test;
  phase.measure_often = options_.select == Select::kTest;
  phase.last = true;
  auto fitted = phases_.Run(phase);
  if (!fitted.ok()) return fitted.status();

  Report(*std::move(fitted), &result);
  result.protocol = Protocol(result);
  return result;
}

// How long the last fit is to be, and how it ranks, by a fit on the slice.
absl::Status Experiment::ChooseEpoch(Phase* phase, ExperimentResult* result) {
  phase->name = "validation";
  phase->train = &split_.fit;
  phase->test = &split_.validation;
  phase->measure_often = true;
  phase->tries_exponents = FindsExponent();
  phase->keeps_rows = TriesWithRows();
  auto chosen = phases_.Run(*phase);
  if (!chosen.ok()) return chosen.status();
  result->validation_recall = chosen->report.main_recall();
  result->validation_ndcg = chosen->report.main_ndcg();
  result->validation_curve = std::move(chosen->curve);
  phase->epochs = chosen->epochs;
  NoteRankings(*phase, *std::move(chosen), result);
  phase->prior = result->prior;
  phase->norm_exponent = result->norm_exponent;
  phase->neighbours = result->neighbours;
  phase->tries_exponents = phase->keeps_rows = false;
  phases_.Skip(Epochs() - phase->epochs);
  return absl::OkStatus();
}

void Experiment::Report(PhaseResult fitted, ExperimentResult* result) {
  result->test = fitted.report;
  result->epochs = fitted.epochs;
  result->learning_rate = fitted.figures.learning_rate;
  result->tau0 = fitted.figures.tau0;
  result->tau0_eq13 = fitted.figures.tau0_eq13;
  result->tau0_eq14 = fitted.figures.tau0_eq14;
  result->gap = fitted.figures.gap;
  result->loss = fitted.figures.loss;
  result->false_negatives = fitted.figures.false_negatives;
  result->variance_gap = fitted.figures.variance_gap;
  result->item_norm = fitted.item_norm;
  result->curve = std::move(fitted.curve);
  result->gradient_magnitude = fitted.gradient_magnitude;
  result->epoch_seconds = fitted.epoch_seconds;
  result->user_tau = std::move(fitted.temperatures);
  for (const float tau : result->user_tau) {
    if (tau > 0) result->user_temperatures.push_back(tau);
  }
  std::sort(result->user_temperatures.begin(), result->user_temperatures.end());
}

// The ways to rank that are best with the rows of `fit`, which are of `phase`.
void Experiment::NoteRankings(const Phase& phase, PhaseResult fit,
                              ExperimentResult* result) {
  Phase ranked = phase;
  if (FindsExponent()) {
    result->norm_trials = std::move(fit.exponents);
    result->norm_exponent = ChooseNormExponent(result->norm_trials);
    ranked.norm_exponent = result->norm_exponent;
  }
  if (!TriesWithRows()) return;
  RankingTrials trials = phases_.TryRankings(ranked, std::move(fit.rows));
  if (FindsPrior()) {
    result->prior_trials = std::move(trials.priors);
    result->prior = ChoosePrior(result->prior_trials);
  }
  if (FindsNeighbours()) {
    result->neighbour_trials = std::move(trials.neighbours);
    result->neighbours = ChooseNeighbourWeights(result->neighbour_trials);
  }
}

Phase Experiment::ShortPhase() const {
  Phase phase;
  phase.train = NeedsSlice() ? &split_.fit : &dataset_.train;
  if (TriesAnything()) phase.test = &split_.validation;
  phase.schedule = phase.epochs = ShortEpochs();
  phase.prior = options_.prior;
  if (!FindsExponent()) phase.norm_exponent = options_.norm_exponent;
  phase.tries_exponents = FindsExponent();
  phase.keeps_rows = TriesWithRows();
  return phase;
}

absl::StatusOr<PhaseResult> Experiment::Try(const std::string& name,
                                            double beta, double rho) {
  Phase phase = ShortPhase();
  phase.name = name;
  phase.beta = beta;
  phase.rho = rho;
  phase.held_tau0 = held_tau0_;
  return phases_.Run(phase);
}

// The short fit with the best β, which the others are tried with, too.
absl::StatusOr<PhaseResult> Experiment::SettleBeta(ExperimentResult* result) {
  std::vector<SliceTrial>& trials = result->beta_trials;
  PhaseResult best;
  while (const std::optional<double> beta = NextBeta(trials)) {
    auto fit = Try(absl::StrCat("beta ", *beta), *beta, FirstRho());
    if (!fit.ok()) return fit.status();
    SliceTrial trial = BestRanking(*fit);
    trial.value = *beta;
    trials.push_back(trial);
    if (ChooseBeta(trials) + 1 == trials.size()) best = std::move(*fit);
  }
  result->beta = trials[ChooseBeta(trials)].value;
  phases_.Skip(static_cast<double>(kBetas.size() - trials.size()) *
               ShortEpochs());
  return best;
}

// Settles τ₀ at ρ = 1, and if asked tries greater values of ρ with it
// (NextRho); the ways to rank are those of the fit whose ρ is nearest to the
// one found.
absl::Status Experiment::SettleRho(ExperimentResult* result) {
  const auto try_rho = [&](double rho) {
    return Try(absl::StrCat("rho ", rho), result->beta, rho);
  };
  auto fit = FindsBeta() ? SettleBeta(result) : try_rho(FirstRho());
  if (!fit.ok()) return fit.status();
  if (Adaptive()) held_tau0_ = fit->figures.tau0;
  std::vector<SliceTrial>& trials = result->rho_trials;
  std::vector<double> rhos;  // by order of the fits
  std::vector<PhaseResult> fits;
  const auto note = [&](double rho) {
    rhos.push_back(rho);
    fits.push_back(std::move(*fit));
    if (!FindsRho()) return;
    trials.push_back(BestRanking(fits.back()));
    trials.back().value = rho;
    // What is found lies between the best and its neighbours.
    for (size_t k = 0; k + 1 < BestTrial(trials); ++k) fits[k].rows = {};
  };
  const auto next = [&]() -> std::optional<double> {
    if (FindsRho()) return NextRho(trials);
    if ((TriesRankings() || FindsTau0Factor()) && rhos.back() != fit_.rho) {
      return fit_.rho;
    }
    return std::nullopt;
  };
  note(FirstRho());
  while (const std::optional<double> rho = next()) {
    fit = try_rho(*rho);
    if (!fit.ok()) return fit.status();
    note(*rho);
  }
  if (FindsRho()) {
    result->rho = ChooseRho(trials);
    phases_.Skip(static_cast<double>(kMostTrials - trials.size()) *
                 ShortEpochs());
  }
  const auto nearest =
      std::min_element(rhos.begin(), rhos.end(), [&](double a, double b) {
        return std::abs(a - result->rho) < std::abs(b - result->rho);
      });
  absl::Status status =
      SettleTau0(*nearest, std::move(fits[nearest - rhos.begin()]), result);
  // What Eq. 14 says need not be held with ρ = 1.
  if (result->rho == 1.0 && result->tau0_factor == 1.0) held_tau0_ = 0;
  return status;
}

// If asked, tries other τ₀ with `rho` (NextTau0Factor), beside `fit`, which has
// the one that is held; the ways to rank are those of the best of them.
absl::Status Experiment::SettleTau0(double rho, PhaseResult fit,
                                    ExperimentResult* result) {
  const double settled = held_tau0_;
  result->tau0_factor = options_.tau0_factor;
  if (FindsTau0Factor()) {
    std::vector<SliceTrial>& trials = result->tau0_trials;
    const auto note = [&](double factor, const PhaseResult& tried) {
      trials.push_back(BestRanking(tried));
      trials.back().value = factor;
    };
    note(1.0, fit);
    while (const std::optional<double> factor = NextTau0Factor(trials)) {
      held_tau0_ = settled * *factor;
      auto tried =
          Try(absl::StrFormat("tau0 x %.3g", *factor), result->beta, rho);
      if (!tried.ok()) return tried.status();
      note(*factor, *tried);
      if (BestTrial(trials) + 1 == trials.size()) fit = *std::move(tried);
    }
    result->tau0_factor = ChooseTau0Factor(trials);
    phases_.Skip(static_cast<double>(kMostTau0Trials - trials.size()) *
                 ShortEpochs());
  }
  held_tau0_ = settled * result->tau0_factor;
  NoteRankings(ShortPhase(), std::move(fit), result);
  return absl::OkStatus();
}

std::string Experiment::Protocol(const ExperimentResult& result) const {
  std::string protocol;
  switch (options_.select) {
    case Select::kValidation:
      protocol = absl::StrCat(
          "validation: stopped at epoch ", result.epochs, " of ", Epochs(),
          " by recall@20 on a tenth of train, then fitted all of train");
      break;
    case Select::kTest:
      protocol = absl::StrCat(
          "test: the best epoch by recall@20 on the test set itself, as the "
          "papers chose; ",
          result.epochs, " of ", Epochs());
      break;
    case Select::kLast:
      protocol = absl::StrCat("last: epoch ", result.epochs,
                              " of the schedule, nothing chosen");
      break;
  }
  if (FindsBeta()) {
    absl::StrAppend(&protocol,
                    "; the negatives' beta chosen by recall@20 and ndcg@20 on "
                    "a tenth of train");
  }
  if (FindsRho()) {
    absl::StrAppend(
        &protocol, "; rho chosen by recall@20 and ndcg@20 on a tenth of train");
  }
  if (FindsTau0Factor()) {
    absl::StrAppend(&protocol,
                    "; tau0 chosen by recall@20 and ndcg@20 on a tenth of "
                    "train");
  }
  if (FindsExponent()) {
    absl::StrAppend(&protocol,
                    "; the norms' exponent chosen by recall@20 and ndcg@20 on "
                    "a tenth of train");
  }
  if (FindsPrior()) {
    absl::StrAppend(&protocol,
                    "; the common taste's weight chosen by recall@20 and "
                    "ndcg@20 on a tenth of train");
  }
  if (FindsNeighbours()) {
    absl::StrAppend(&protocol,
                    "; the neighbourhood's weights chosen by recall@20 and "
                    "ndcg@20 on a tenth of train");
  }
  return protocol;
}

}  // namespace

absl::StatusOr<ExperimentResult> RunExperiment(
    const Dataset& dataset, const ExperimentOptions& options,
    const ExperimentObserver& observer) {
  absl::Status status = CheckOptions(options);
  if (!status.ok()) return status;
  return Experiment(dataset, options, observer).Run();
}

}  // namespace taud::lab
