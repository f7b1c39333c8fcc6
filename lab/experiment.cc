#include "lab/experiment.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/offline_fit.h"
#include "trainer/vector_kernels.h"
#include "trainer/worker_pool.h"

namespace taud::lab {
namespace {

// The validation slice: a tenth of the interactions, the same for every seed.
constexpr double kValidationShare = 0.1;
constexpr uint64_t kValidationSeed = 20240229;

// Looked at so many times in a schedule, to choose where to stop.
constexpr int kLooks = 15;

// Fits that are only to settle τ₀ or to compare values of ρ are this long.
constexpr int kShortEpochs = 12;
constexpr double kRhos[] = {1.1, 1.2, 1.3};

absl::Status OutOfRange(absl::string_view field, double value,
                        absl::string_view range) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", value, ", expected ", range));
}

absl::Status Validate(const ExperimentOptions& options) {
  if (options.temperature == Temperature::kFixed && !(options.tau > 0)) {
    return OutOfRange("tau", options.tau, "> 0");
  }
  if (!(options.rho > 0)) return OutOfRange("rho", options.rho, "> 0");
  if (!(options.beta >= 0 && options.beta <= 1)) {
    return OutOfRange("beta", options.beta, "0 to 1");
  }
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    return OutOfRange("dropout", options.dropout, "0 or more, below 1");
  }
  if (!(options.learning_rate > 0)) {
    return OutOfRange("learning_rate", options.learning_rate, "> 0");
  }
  if (options.epochs < 1) return OutOfRange("epochs", options.epochs, ">= 1");
  if (options.dim < 1 || options.dim > trainer::kMaxDim) {
    return OutOfRange("dim", options.dim,
                      absl::StrCat("1 to ", trainer::kMaxDim));
  }
  if (options.threads < 1) {
    return OutOfRange("threads", options.threads, ">= 1");
  }
  return absl::OkStatus();
}

// What one fit is given, and what is measured while it runs.
struct Phase {
  std::string name;
  const ItemLists* train = nullptr;
  const ItemLists* test = nullptr;  // null: nothing is measured
  bool measure_often = false;       // otherwise after the last epoch only
  int schedule = 0;                 // epochs of the schedule
  int epochs = 0;                   // of them to run
  double rho = 1;
  double held_tau0 = 0;
};

struct PhaseResult {
  RankingReport report;  // the best by recall, or the only one
  int epochs = 0;        // after which `report` was measured
  std::vector<float> temperatures;
  trainer::OfflineFitFigures figures;  // with `report`
};

class Experiment {
 public:
  Experiment(const Dataset& dataset, const ExperimentOptions& options,
             const ExperimentObserver& observer)
      : dataset_(dataset),
        options_(options),
        observer_(observer),
        pool_(options.threads) {
    if (NeedsSlice()) {
      split_ = CutValidation(dataset.train, kValidationShare, kValidationSeed);
    }
    planned_ = PlannedEpochs();
  }

  absl::StatusOr<ExperimentResult> Run();

 private:
  bool NeedsSlice() const {
    return options_.find_rho || options_.select == Select::kValidation;
  }
  bool Adaptive() const { return options_.temperature != Temperature::kFixed; }
  bool NeedsPilot() const {
    return options_.find_rho || (Adaptive() && options_.rho != 1.0);
  }
  int ShortEpochs() const { return std::min(kShortEpochs, options_.epochs); }
  // At most; from it the time left is estimated.
  double PlannedEpochs() const;
  std::string Protocol(const ExperimentResult& result) const;

  absl::Status ChooseRho(ExperimentResult* result);
  absl::StatusOr<PhaseResult> RunPhase(const Phase& phase);
  RankingReport Measure(const trainer::OfflineFit& fit, const Phase& phase);

  const Dataset& dataset_;
  const ExperimentOptions& options_;
  const ExperimentObserver& observer_;
  trainer::WorkerPool pool_;
  Split split_;
  double planned_ = 0;
  double done_ = 0;  // epochs of completed phases
  double held_tau0_ = 0;
};

double Experiment::PlannedEpochs() const {
  double epochs = options_.epochs;
  if (options_.select == Select::kValidation) epochs *= 2;
  if (NeedsPilot()) epochs += ShortEpochs();
  if (options_.find_rho) epochs += std::size(kRhos) * ShortEpochs();
  return epochs;
}

absl::StatusOr<ExperimentResult> Experiment::Run() {
  ExperimentResult result;
  result.rho = options_.rho;
  if (!Adaptive()) held_tau0_ = options_.tau;
  if (NeedsPilot()) {
    absl::Status status = ChooseRho(&result);
    if (!status.ok()) return status;
  }

  Phase phase;
  phase.schedule = phase.epochs = options_.epochs;
  phase.rho = result.rho;
  phase.held_tau0 = held_tau0_;
  if (options_.select == Select::kValidation) {
    phase.name = "validation";
    phase.train = &split_.fit;
    phase.test = &split_.validation;
    phase.measure_often = true;
    auto chosen = RunPhase(phase);
    if (!chosen.ok()) return chosen.status();
    result.validation_recall = chosen->report.main_recall();
    result.validation_ndcg = chosen->report.main_ndcg();
    phase.epochs = chosen->epochs;
    planned_ -= options_.epochs - phase.epochs;
  }
  phase.name = options_.select == Select::kValidation ? "refit" : "fit";
  phase.train = &dataset_.train;
  phase.test = &dataset_.test;
  phase.measure_often = options_.select == Select::kTest;
  auto fitted = RunPhase(phase);
  if (!fitted.ok()) return fitted.status();

  result.test = fitted->report;
  result.epochs = fitted->epochs;
  result.tau0 = fitted->figures.tau0;
  result.loss = fitted->figures.loss;
  result.false_negatives = fitted->figures.false_negatives;
  for (const float tau : fitted->temperatures) {
    if (tau > 0) result.user_temperatures.push_back(tau);
  }
  std::sort(result.user_temperatures.begin(), result.user_temperatures.end());
  result.protocol = Protocol(result);
  return result;
}

// Settles τ₀ at ρ = 1, and if asked tries greater values of ρ with it until
// one is worse than the last.
absl::Status Experiment::ChooseRho(ExperimentResult* result) {
  Phase phase;
  phase.name = "rho 1";
  phase.train = NeedsSlice() ? &split_.fit : &dataset_.train;
  if (options_.find_rho) phase.test = &split_.validation;
  phase.schedule = phase.epochs = ShortEpochs();
  phase.held_tau0 = held_tau0_;
  auto pilot = RunPhase(phase);
  if (!pilot.ok()) return pilot.status();
  const double given_tau0 = held_tau0_;
  held_tau0_ = pilot->figures.tau0;
  if (!options_.find_rho) return absl::OkStatus();

  result->rho = 1.0;
  double best = pilot->report.main_recall();
  result->trials.push_back({1.0, best, pilot->report.main_ndcg()});
  for (const double rho : kRhos) {
    phase.name = absl::StrCat("rho ", rho);
    phase.rho = rho;
    phase.held_tau0 = held_tau0_;
    auto trial = RunPhase(phase);
    if (!trial.ok()) return trial.status();
    const double recall = trial->report.main_recall();
    result->trials.push_back({rho, recall, trial->report.main_ndcg()});
    if (recall <= best) break;
    best = recall;
    result->rho = rho;
  }
  planned_ -=
      static_cast<double>(std::size(kRhos) + 1 - result->trials.size()) *
      ShortEpochs();
  // With ρ = 1 there is no need to hold it.
  if (result->rho == 1.0) held_tau0_ = given_tau0;
  return absl::OkStatus();
}

absl::StatusOr<PhaseResult> Experiment::RunPhase(const Phase& phase) {
  trainer::OfflineFitOptions fit_options;
  fit_options.schedule_epochs = phase.schedule;
  fit_options.learning_rate = options_.learning_rate;
  fit_options.beta = options_.beta;
  fit_options.rho = phase.rho;
  fit_options.leave_out_known = options_.leave_out_known;
  fit_options.dropout = options_.dropout;
  fit_options.held_tau0 = phase.held_tau0;
  fit_options.personal = options_.temperature == Temperature::kAdapTau;
  fit_options.seed = options_.seed;
  trainer::OfflineFit fit(fit_options, phase.train, dataset_.items,
                          trainer::MakeCpuMf(options_.dim, &pool_));

  PhaseResult best;
  const int interval = std::max(1, phase.schedule / kLooks);
  ExperimentProgress progress;
  progress.phase = phase.name;
  progress.epochs = phase.epochs;
  for (int epoch = 1; epoch <= phase.epochs; ++epoch) {
    progress.epoch_ended = false;
    absl::Status status = fit.RunEpoch([&](double share) {
      progress.share = (done_ + epoch - 1 + share) / planned_;
      return observer_(progress);
    });
    if (!status.ok()) return status;
    progress.epoch = epoch;
    progress.epoch_ended = true;
    progress.share = (done_ + epoch) / planned_;
    progress.loss = fit.figures().loss;
    progress.tau0 = fit.figures().tau0;
    progress.recall = progress.ndcg = -1;
    const bool last = epoch == phase.epochs;
    const bool measure =
        phase.test != nullptr &&
        (last || (phase.measure_often && epoch % interval == 0));
    if (measure) {
      const RankingReport report = Measure(fit, phase);
      progress.recall = report.main_recall();
      progress.ndcg = report.main_ndcg();
      // Where nothing tells the epochs apart, the last one.
      if (best.epochs == 0 || report.main_recall() == 0 ||
          report.main_recall() > best.report.main_recall()) {
        best = {report, epoch, fit.Temperatures(), fit.figures()};
      }
    }
    if (!observer_(progress)) {
      return absl::CancelledError(absl::StrCat("stopped after epoch ", epoch));
    }
  }
  if (best.epochs == 0) {
    best = {{}, phase.epochs, fit.Temperatures(), fit.figures()};
  }
  done_ += phase.epochs;
  return best;
}

RankingReport Experiment::Measure(const trainer::OfflineFit& fit,
                                  const Phase& phase) {
  // Users without training items have no row to rank by: their lists are empty.
  ItemLists known_users = *phase.test;
  for (size_t user = 0; user < known_users.size(); ++user) {
    if ((*phase.train)[user].empty()) known_users[user].clear();
  }
  const ItemLists lists =
      trainer::TopItems(fit.Users(), fit.Items(), *phase.train, known_users,
                        kCutoffs.back(), options_.threads);
  return MeasureLists(lists, *phase.test,
                      CountPopularity(*phase.train, dataset_.items));
}

std::string Experiment::Protocol(const ExperimentResult& result) const {
  std::string protocol;
  switch (options_.select) {
    case Select::kValidation:
      protocol = absl::StrCat(
          "validation: stopped at epoch ", result.epochs, " of ",
          options_.epochs,
          " by recall@20 on a tenth of train, then fitted all of train");
      break;
    case Select::kTest:
      protocol = absl::StrCat(
          "test: the best epoch by recall@20 on the test set itself, as the "
          "papers chose; ",
          result.epochs, " of ", options_.epochs);
      break;
    case Select::kLast:
      protocol = absl::StrCat("last: epoch ", result.epochs,
                              " of the schedule, nothing chosen");
      break;
  }
  if (options_.find_rho) {
    absl::StrAppend(&protocol, "; rho chosen by recall@20 on a tenth of train");
  }
  return protocol;
}

}  // namespace

absl::StatusOr<ExperimentResult> RunExperiment(
    const Dataset& dataset, const ExperimentOptions& options,
    const ExperimentObserver& observer) {
  absl::Status status = Validate(options);
  if (!status.ok()) return status;
  return Experiment(dataset, options, observer).Run();
}

}  // namespace taud::lab
