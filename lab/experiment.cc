#include "lab/experiment.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "device/device.h"
#include "lab/beta_trials.h"
#include "lab/epoch_choice.h"
#include "lab/rho_trials.h"
#include "query/common_taste.h"
#include "query/query_weights.h"
#include "trainer/cuda/cuda_light_gcn.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_fit.h"

namespace taud::lab {
namespace {

absl::StatusOr<device::Place> PlaceOf(const ExperimentOptions& options) {
  const auto wish = device::ParseWish("--device", options.device);
  if (!wish.ok()) return wish.status();
  return device::Resolve("--device", *wish);
}

// The validation slice: a tenth of the interactions, the same for every seed.
constexpr double kValidationShare = 0.1;
constexpr uint64_t kValidationSeed = 20240229;

// Looked at so many times in a schedule, to choose where to stop.
constexpr int kLooks = 15;

// Fits that are only to settle τ₀ or to compare values of ρ are this long.
constexpr int kShortEpochs = 12;

// GradientMagnitude is taken over so many users.
constexpr size_t kProbedUsers = 500;

// A number of the options, and the range it must be in.
struct Bound {
  absl::string_view field;
  double value, least, most;
};

absl::Status Validate(const ExperimentOptions& options) {
  constexpr double kAny = 1e9;
  constexpr double kTiny = 1e-9;
  const trainer::OfflineFitOptions& fit = options.fit;
  const Bound bounds[] = {
      {"tau", fit.tau, kTiny, kAny},
      {"rho", fit.rho, kTiny, kAny},
      {"prior", options.prior, 0, query::kMaxPrior},
      {"norm_exponent", options.norm_exponent.value_or(0), 0, kMaxNormExponent},
      {"beta", fit.beta, 0, 1},
      {"dropout", fit.dropout, 0, 1 - kTiny},
      {"message_dropout", fit.message_dropout, 0, 1 - kTiny},
      {"edge_dropout", fit.edge_dropout, 0, 1 - kTiny},
      {"learning_rate", fit.learning_rate, 0, kAny},
      {"epochs", static_cast<double>(fit.schedule_epochs), 1, kAny},
      {"dim", static_cast<double>(fit.dim), 1, trainer::kMaxDim},
      {"layers", static_cast<double>(fit.layers), 1, 4},
      {"negatives", static_cast<double>(fit.negatives), 1, 1 << 20},
      {"batch_rows", static_cast<double>(fit.batch_rows), 32, 1 << 20},
      {"threshold_quantile", fit.threshold_quantile, 0, 1 - kTiny},
      {"super_loss", fit.super_loss, kTiny, kAny},
      {"threads", static_cast<double>(options.threads), 1, 1024},
  };
  for (const Bound& bound : bounds) {
    if (bound.value >= bound.least && bound.value <= bound.most) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(bound.field, " is ", bound.value, ", expected ",
                     bound.least, " to ", bound.most));
  }
  return absl::OkStatus();
}

// What one fit is given, and what is measured while it runs.
struct Phase {
  std::string name;
  const model::ItemLists* train = nullptr;
  const model::ItemLists* test = nullptr;  // null: nothing is measured
  bool measure_often = false;  // otherwise after the last epoch only
  bool last = false;           // the fit that is reported
  int schedule = 0;            // epochs of the schedule
  int epochs = 0;              // of them to run
  double beta = 0;
  double rho = 1;
  double held_tau0 = 0;
  // What is measured is measured with these κ and p, and after the last epoch
  // with others.
  double prior = 0;
  std::optional<double> norm_exponent;
  bool tries_priors = false;
  bool tries_exponents = false;
};

struct PhaseResult {
  RankingReport report;  // the best by recall, or the only one
  int epochs = 0;        // after which `report` was measured
  std::vector<SliceTrial> priors;
  std::vector<SliceTrial> exponents;
  std::vector<float> temperatures;
  GroupMeans item_norm = {};
  trainer::OfflineFitFigures figures;  // with `report`
  std::vector<EpochFigures> curve;
  double gradient_magnitude = -1;  // after the last epoch
  double epoch_seconds = 0;        // mean
};

// A fit on the slice is judged by its best p, or as it was measured.
SliceTrial BestRanking(const PhaseResult& fit) {
  SliceTrial best = {0, fit.report.main_recall(), fit.report.main_ndcg()};
  for (const SliceTrial& trial : fit.exponents) {
    if (Merit(trial) > Merit(best)) best = trial;
  }
  return best;
}

EpochFigures FiguresOf(const trainer::OfflineFit& fit,
                       const std::vector<uint32_t>& popularity) {
  EpochFigures figures;
  figures.epoch = fit.figures().epochs;
  figures.loss = fit.figures().loss;
  figures.tau0 = fit.figures().tau0;
  figures.positive_score = fit.figures().positive_score;
  figures.item_norm = MeanByPopularity(fit.ItemNorms(), popularity);
  return figures;
}

// The most popular items, best first; those that nobody has are left out.
std::vector<uint32_t> MostPopular(const std::vector<uint32_t>& popularity,
                                  size_t count) {
  std::vector<uint32_t> items;
  for (uint32_t item = 0; item < popularity.size(); ++item) {
    if (popularity[item] > 0) items.push_back(item);
  }
  count = std::min(count, items.size());
  std::partial_sort(items.begin(), items.begin() + count, items.end(),
                    [&](uint32_t a, uint32_t b) {
                      return std::make_pair(popularity[b], a) <
                             std::make_pair(popularity[a], b);
                    });
  items.resize(count);
  return items;
}

class Experiment {
 public:
  Experiment(const Dataset& dataset, const ExperimentOptions& options,
             const ExperimentObserver& observer)
      : dataset_(dataset),
        options_(options),
        fit_(options.fit),
        observer_(observer),
        pool_(options.threads) {
    if (NeedsSlice()) {
      split_ = CutValidation(dataset.train, kValidationShare, kValidationSeed);
    }
    planned_ = PlannedEpochs();
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
  bool FindsPrior() const { return options_.find_prior; }
  bool FindsExponent() const { return options_.find_norm_exponent; }
  bool TriesAnything() const {
    return FindsBeta() || FindsRho() || TriesRankings();
  }
  bool NeedsSlice() const {
    return TriesAnything() || options_.select == Select::kValidation;
  }
  // Whether ways to rank are tried with the fit whose ρ is gone on with.
  bool TriesRankings() const { return FindsPrior() || FindsExponent(); }
  bool Adaptive() const { return trainer::IsAdaptive(fit_.temperature); }
  bool NeedsPilot() const {
    return TriesAnything() || (Adaptive() && fit_.rho != 1.0);
  }
  // Of the pilot: τ₀ settles at 1, and trials begin there.
  double FirstRho() const { return FindsRho() || Adaptive() ? 1.0 : fit_.rho; }
  int Epochs() const { return fit_.schedule_epochs; }
  int ShortEpochs() const { return std::min(kShortEpochs, Epochs()); }
  // At most; from it the time left is estimated.
  double PlannedEpochs() const;
  std::string Protocol(const ExperimentResult& result) const;

  void NoteRankings(PhaseResult* fit, ExperimentResult* result);
  absl::StatusOr<PhaseResult> SettleBeta(ExperimentResult* result);
  absl::Status SettleRho(ExperimentResult* result);
  // A short fit on the slice, with τ₀ as it is held.
  absl::StatusOr<PhaseResult> Try(const std::string& name, double beta,
                                  double rho);
  absl::StatusOr<std::unique_ptr<trainer::OfflineFit>> MakeFit(
      const Phase& phase);
  absl::StatusOr<PhaseResult> RunPhase(const Phase& phase);
  // Users without the common taste, items as fit_.rank has them.
  struct Rows {
    model::Matrix users, items;
    std::vector<float> item_norms;
  };
  static Rows RowsOf(const trainer::OfflineFit& fit) {
    return {fit.Users(), fit.Items(), fit.ItemNorms()};
  }
  // With the κ and the p of `phase`.
  RankingReport Measure(const Rows& rows, const Phase& phase,
                        const std::vector<uint32_t>& popularity);
  // Each value as set(value, &phase) puts it there, while it is worth trying.
  template <class Values, class Set>
  std::vector<SliceTrial> TryEach(const Values& values, Set set,
                                  const Rows& rows, Phase phase,
                                  const std::vector<uint32_t>& popularity);
  void TryRankings(const trainer::OfflineFit& fit, Phase phase,
                   const std::vector<uint32_t>& popularity,
                   PhaseResult* result);
  double ProbeGradient(const trainer::OfflineFit& fit, const Phase& phase);

  const Dataset& dataset_;
  const ExperimentOptions& options_;
  const trainer::OfflineFitOptions& fit_;  // the options'
  const ExperimentObserver& observer_;
  trainer::WorkerPool pool_;
  Split split_;
  double planned_ = 0;
  double done_ = 0;  // epochs of completed phases
  double held_tau0_ = 0;
};

double Experiment::PlannedEpochs() const {
  double epochs = Epochs();
  if (options_.select == Select::kValidation) epochs *= 2;
  if (NeedsPilot()) epochs += ShortEpochs();
  if (FindsBeta()) epochs += (kBetas.size() - 1.0) * ShortEpochs();
  if (FindsRho()) {
    epochs += (kMostTrials - 1) * ShortEpochs();
  } else if (TriesRankings() && fit_.rho != FirstRho()) {
    epochs += ShortEpochs();
  }
  return epochs;
}

absl::StatusOr<ExperimentResult> Experiment::Run() {
  ExperimentResult result;
  result.beta = fit_.beta;
  result.rho = FindsRho() ? 1.0 : fit_.rho;
  result.prior = options_.prior;
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
  if (options_.select == Select::kValidation) {
    phase.name = "validation";
    phase.train = &split_.fit;
    phase.test = &split_.validation;
    phase.measure_often = true;
    phase.tries_priors = FindsPrior();
    phase.tries_exponents = FindsExponent();
    auto chosen = RunPhase(phase);
    if (!chosen.ok()) return chosen.status();
    result.validation_recall = chosen->report.main_recall();
    result.validation_ndcg = chosen->report.main_ndcg();
    result.validation_curve = std::move(chosen->curve);
    phase.epochs = chosen->epochs;
    NoteRankings(&*chosen, &result);
    phase.prior = result.prior;
    phase.norm_exponent = result.norm_exponent;
    phase.tries_priors = phase.tries_exponents = false;
    planned_ -= Epochs() - phase.epochs;
  }
  phase.name = options_.select == Select::kValidation ? "refit" : "fit";
  phase.train = &dataset_.train;
  phase.test = &dataset_.test;
  phase.measure_often = options_.select == Select::kTest;
  phase.last = true;
  auto fitted = RunPhase(phase);
  if (!fitted.ok()) return fitted.status();

  result.test = fitted->report;
  result.epochs = fitted->epochs;
  result.learning_rate = fitted->figures.learning_rate;
  result.tau0 = fitted->figures.tau0;
  result.tau0_eq13 = fitted->figures.tau0_eq13;
  result.tau0_eq14 = fitted->figures.tau0_eq14;
  result.gap = fitted->figures.gap;
  result.loss = fitted->figures.loss;
  result.false_negatives = fitted->figures.false_negatives;
  result.variance_gap = fitted->figures.variance_gap;
  result.item_norm = fitted->item_norm;
  result.curve = std::move(fitted->curve);
  result.gradient_magnitude = fitted->gradient_magnitude;
  result.epoch_seconds = fitted->epoch_seconds;
  result.user_tau = std::move(fitted->temperatures);
  for (const float tau : result.user_tau) {
    if (tau > 0) result.user_temperatures.push_back(tau);
  }
  std::sort(result.user_temperatures.begin(), result.user_temperatures.end());
  result.protocol = Protocol(result);
  return result;
}

// The ways to rank that are best with a fit where they were tried.
void Experiment::NoteRankings(PhaseResult* fit, ExperimentResult* result) {
  if (FindsExponent()) {
    result->norm_trials = std::move(fit->exponents);
    result->norm_exponent = ChooseNormExponent(result->norm_trials);
  }
  if (FindsPrior()) {
    result->prior_trials = std::move(fit->priors);
    result->prior = ChoosePrior(result->prior_trials);
  }
}

absl::StatusOr<PhaseResult> Experiment::Try(const std::string& name,
                                            double beta, double rho) {
  Phase phase;
  phase.name = name;
  phase.train = NeedsSlice() ? &split_.fit : &dataset_.train;
  if (TriesAnything()) phase.test = &split_.validation;
  phase.schedule = phase.epochs = ShortEpochs();
  phase.beta = beta;
  phase.rho = rho;
  phase.held_tau0 = held_tau0_;
  phase.prior = options_.prior;
  phase.tries_priors = FindsPrior();
  phase.tries_exponents = FindsExponent();
  return RunPhase(phase);
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
  planned_ -=
      static_cast<double>(kBetas.size() - trials.size()) * ShortEpochs();
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
  };
  const auto next = [&]() -> std::optional<double> {
    if (FindsRho()) return NextRho(trials);
    if (TriesRankings() && rhos.back() != fit_.rho) return fit_.rho;
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
    planned_ -=
        static_cast<double>(kMostTrials - trials.size()) * ShortEpochs();
  }
  const auto nearest =
      std::min_element(rhos.begin(), rhos.end(), [&](double a, double b) {
        return std::abs(a - result->rho) < std::abs(b - result->rho);
      });
  NoteRankings(&fits[nearest - rhos.begin()], result);
  // With ρ = 1 there is no need to hold it.
  if (result->rho == 1.0) held_tau0_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<trainer::OfflineFit>> Experiment::MakeFit(
    const Phase& phase) {
  trainer::OfflineFitOptions options = fit_;
  options.schedule_epochs = phase.schedule;
  options.beta = phase.beta;
  options.rho = phase.rho;
  options.held_tau0 = phase.held_tau0;
  std::unique_ptr<trainer::OfflineLearner> learner;
  if (!NeedsTensors(options_)) {
    const auto place = PlaceOf(options_);
    if (!place.ok()) return place.status();
    if (place->is_cuda) {
      auto made = trainer::MakeCudaLearner(options, *phase.train,
                                           dataset_.items, place->ordinal);
      if (!made.ok()) return made.status();
      learner = std::move(*made);
    } else {
      learner = trainer::MakeCpuLearner(options, *phase.train, dataset_.items,
                                        &pool_);
    }
  } else if (options_.tensors == nullptr) {
    return absl::FailedPreconditionError(
        "this program was built without LibTorch: use tauctl-lab");
  } else {
    // Only LibTorch knows what it was built for: auto is the CPU here.
    const std::string device =
        options_.device == "auto" ? "cpu" : options_.device;
    auto made =
        options_.tensors(options, *phase.train, dataset_.items, device, &pool_);
    if (!made.ok()) return made.status();
    learner = std::move(*made);
  }
  return std::make_unique<trainer::OfflineFit>(
      options, phase.train, dataset_.items, std::move(learner));
}

absl::StatusOr<PhaseResult> Experiment::RunPhase(const Phase& phase) {
  auto made = MakeFit(phase);
  if (!made.ok()) return made.status();
  trainer::OfflineFit& fit = **made;
  PhaseResult best;
  double seconds = 0;
  std::vector<EpochFigures> curve;
  const std::vector<uint32_t> popularity =
      CountPopularity(*phase.train, dataset_.items);
  const int interval = std::max(1, phase.schedule / kLooks);
  const int extra = phase.last ? options_.measure_every : 0;
  // What is chosen on test is the best, whatever the schedule.
  const double tolerance = options_.select == Select::kTest ? 0.0 : kSameRecall;
  ExperimentProgress progress;
  progress.phase = phase.name;
  progress.epochs = phase.epochs;
  for (int epoch = 1; epoch <= phase.epochs; ++epoch) {
    progress.epoch_ended = false;
    const auto start = std::chrono::steady_clock::now();
    absl::Status status = fit.RunEpoch([&](double share) {
      progress.share = (done_ + epoch - 1 + share) / planned_;
      return observer_(progress);
    });
    if (!status.ok()) return status;
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start;
    seconds += elapsed.count();
    progress.epoch = epoch;
    progress.epoch_ended = true;
    progress.share = (done_ + epoch) / planned_;
    progress.loss = fit.figures().loss;
    progress.tau0 = fit.figures().tau0;
    progress.recall = progress.ndcg = -1;
    const bool last = epoch == phase.epochs;
    const bool chooses = last || (phase.measure_often && epoch % interval == 0);
    const bool looks = chooses || (extra > 0 && epoch % extra == 0);
    curve.push_back(FiguresOf(fit, popularity));
    if (phase.test != nullptr && looks) {
      const RankingReport report = Measure(RowsOf(fit), phase, popularity);
      progress.recall = report.main_recall();
      progress.ndcg = report.main_ndcg();
      curve.back().recall = progress.recall;
      curve.back().ndcg = progress.ndcg;
      const double before = best.epochs == 0 ? -1 : best.report.main_recall();
      if (chooses &&
          IsBetterEpoch(report.main_recall(), before, last, tolerance)) {
        best.report = report;
        best.epochs = epoch;
        best.temperatures = fit.Temperatures();
        best.item_norm = curve.back().item_norm;
        best.figures = fit.figures();
      }
    }
    if (!observer_(progress)) {
      return absl::CancelledError(absl::StrCat("stopped after epoch ", epoch));
    }
  }
  if (best.epochs == 0) {
    best.epochs = phase.epochs;
    best.temperatures = fit.Temperatures();
    best.figures = fit.figures();
  }
  if (phase.tries_priors || phase.tries_exponents) {
    TryRankings(fit, phase, popularity, &best);
  }
  best.curve = std::move(curve);
  best.epoch_seconds = seconds / phase.epochs;
  if (phase.last) best.gradient_magnitude = ProbeGradient(fit, phase);
  done_ += phase.epochs;
  return best;
}

template <class Values, class Set>
std::vector<SliceTrial> Experiment::TryEach(
    const Values& values, Set set, const Rows& rows, Phase phase,
    const std::vector<uint32_t>& popularity) {
  std::vector<SliceTrial> trials;
  for (const double value : values) {
    if (!GoesOnTrying(trials)) break;
    set(value, &phase);
    const RankingReport report = Measure(rows, phase, popularity);
    trials.push_back({value, report.main_recall(), report.main_ndcg()});
  }
  return trials;
}

// The values of p, with the κ of `phase`, then those of κ with the best p.
void Experiment::TryRankings(const trainer::OfflineFit& fit, Phase phase,
                             const std::vector<uint32_t>& popularity,
                             PhaseResult* result) {
  const Rows rows = RowsOf(fit);
  if (phase.tries_exponents) {
    result->exponents = TryEach(
        kNormExponents,
        [](double p, Phase* tried) { tried->norm_exponent = p; }, rows, phase,
        popularity);
    phase.norm_exponent = ChooseNormExponent(result->exponents);
  }
  if (!phase.tries_priors) return;
  result->priors = TryEach(
      kPriors, [](double prior, Phase* tried) { tried->prior = prior; }, rows,
      phase, popularity);
}

RankingReport Experiment::Measure(const Rows& rows, const Phase& phase,
                                  const std::vector<uint32_t>& popularity) {
  model::Matrix users = rows.users;
  query::AddCommonTaste(phase.prior, *phase.train, &users);
  model::Matrix items = rows.items;
  if (phase.norm_exponent.has_value()) {
    SetNorms(rows.item_norms, *phase.norm_exponent, &items);
  }
  const auto cold = [&](size_t user) {
    return (*phase.train)[user].empty() && !(*phase.test)[user].empty();
  };
  model::ItemLists known_users = *phase.test;
  for (size_t user = 0; user < known_users.size(); ++user) {
    if (cold(user)) known_users[user].clear();
  }
  model::ItemLists lists =
      trainer::TopItems(users, items, *phase.train, known_users,
                        kCutoffs.back(), options_.threads);
  // A user without training items has no row; it gets what the daemon answers
  // to somebody it does not know.
  const std::vector<uint32_t> popular =
      MostPopular(popularity, kCutoffs.back());
  for (size_t user = 0; user < lists.size(); ++user) {
    if (cold(user)) lists[user] = popular;
  }
  return MeasureLists(lists, *phase.test, popularity);
}

double Experiment::ProbeGradient(const trainer::OfflineFit& fit,
                                 const Phase& phase) {
  using trainer::Normalize;
  using trainer::RankBy;
  const Normalize normalize = fit_.normalize;
  if (fit_.rank == RankBy::kCosine && normalize != Normalize::kBoth) {
    return -1;
  }
  model::Matrix users = fit.Users();
  model::Matrix items = fit.Items();
  const auto to_unit = [](model::Matrix* rows) {
    const int64_t width = static_cast<int64_t>(rows->cols);
    for (size_t r = 0; r < rows->rows; ++r) {
      float* row = &rows->values[r * rows->cols];
      const float norm = std::sqrt(trainer::Dot(row, row, width));
      if (norm > 0) {
        std::for_each(row, row + width, [&](float& x) { x /= norm; });
      }
    }
  };
  if (normalize == Normalize::kBoth || normalize == Normalize::kUser) {
    to_unit(&users);
  }
  if (normalize == Normalize::kBoth || normalize == Normalize::kItem) {
    to_unit(&items);
  }
  return GradientMagnitude(users, items, *phase.train, fit.Temperatures(),
                           kProbedUsers);
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
  return protocol;
}

}  // namespace

bool NeedsTensors(const ExperimentOptions& options) {
  if (!trainer::CpuLearnerTakes(options.fit)) return true;
  return options.device != "cpu" && !trainer::FitsCudaLearner(options.fit);
}

absl::StatusOr<ExperimentResult> RunExperiment(
    const Dataset& dataset, const ExperimentOptions& options,
    const ExperimentObserver& observer) {
  absl::Status status = Validate(options);
  if (!status.ok()) return status;
  return Experiment(dataset, options, observer).Run();
}

}  // namespace taud::lab
