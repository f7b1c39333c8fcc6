#include "lab/fit_phase.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "device/device.h"
#include "lab/epoch_choice.h"
#include "lab/phase_ranking.h"
#include "lab/query_prior.h"
#include "trainer/cuda/cuda_light_gcn.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/neighbours/neighbour_search.h"
#include "trainer/neighbours/positive_graph.h"

namespace taud::lab {
namespace {

// Looked at so many times in a schedule, to choose where to stop.
constexpr int kLooks = 15;

// GradientMagnitude is taken over so many users.
constexpr size_t kProbedUsers = 500;

absl::StatusOr<device::Place> PlaceOf(const ExperimentOptions& options) {
  const auto wish = device::ParseWish("--device", options.device);
  if (!wish.ok()) return wish.status();
  return device::Resolve("--device", *wish);
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

FittedRows RowsOf(const trainer::OfflineFit& fit,
                  const model::NeighbourLists* neighbours) {
  return {fit.Users(), fit.Items(), fit.ItemNorms(), neighbours};
}

}  // namespace

// A fit on the slice is judged by its best p, or as it was measured.
SliceTrial BestRanking(const PhaseResult& fit) {
  SliceTrial best = {0, fit.report.main_recall(), fit.report.main_ndcg()};
  for (const SliceTrial& trial : fit.exponents) {
    if (Merit(trial) > Merit(best)) best = trial;
  }
  return best;
}

absl::StatusOr<std::unique_ptr<trainer::OfflineLearner>> FitPhases::MakeLearner(
    const Phase& phase, const trainer::OfflineFitOptions& options) {
  if (!NeedsTensors(options_)) {
    const auto place = PlaceOf(options_);
    if (!place.ok()) return place.status();
    if (place->is_cuda) {
      return trainer::MakeCudaLearner(options, *phase.train, dataset_.items,
                                      place->ordinal);
    }
    return trainer::MakeCpuLearner(options, *phase.train, dataset_.items,
                                   &pool_);
  }
  if (options_.tensors == nullptr) {
    return absl::FailedPreconditionError(
        "this program was built without LibTorch: use tauctl-lab");
  }
  // Only LibTorch knows what it was built for: auto is the CPU here.
  const std::string device =
      options_.device == "auto" ? "cpu" : options_.device;
  return options_.tensors(options, *phase.train, dataset_.items, device,
                          &pool_);
}

absl::StatusOr<std::unique_ptr<trainer::OfflineFit>> FitPhases::MakeFit(
    const Phase& phase) {
  trainer::OfflineFitOptions options = options_.fit;
  options.schedule_epochs = phase.schedule;
  options.beta = phase.beta;
  options.rho = phase.rho;
  options.held_tau0 = phase.held_tau0;
  auto learner = MakeLearner(phase, options);
  if (!learner.ok()) return learner.status();
  return std::make_unique<trainer::OfflineFit>(
      options, phase.train, dataset_.items, *std::move(learner));
}

absl::StatusOr<PhaseResult> FitPhases::Run(const Phase& phase) {
  auto made = MakeFit(phase);
  if (!made.ok()) return made.status();
  trainer::OfflineFit& fit = **made;
  Running running;
  running.fit = &fit;
  running.popularity = CountPopularity(*phase.train, dataset_.items);
  if (phase.test != nullptr && phase.neighbours.weight > 0) {
    running.neighbours = NeighboursOf(phase);
  }
  for (int epoch = 1; epoch <= phase.epochs; ++epoch) {
    absl::Status status = RunEpoch(phase, epoch, &running);
    if (!status.ok()) return status;
  }
  PhaseResult& best = running.best;
  if (best.epochs == 0) {
    best.epochs = phase.epochs;
    best.temperatures = fit.Temperatures();
    best.figures = fit.figures();
  }
  if (phase.tries_exponents) {
    Phase ranked = phase;
    if (options_.find_neighbours) ranked.neighbours = {};
    best.exponents = TryExponents(ranked, RowsOf(fit, running.neighbours),
                                  running.popularity, options_.threads);
  }
  if (phase.keeps_rows) best.rows = RowsOf(fit, nullptr);
  best.epoch_seconds = running.seconds / phase.epochs;
  if (phase.last) best.gradient_magnitude = ProbeGradient(fit, phase);
  done_ += phase.epochs;
  return std::move(best);
}

RankingTrials FitPhases::TryRankings(const Phase& phase, FittedRows rows) {
  if (options_.find_neighbours || phase.neighbours.weight > 0) {
    rows.neighbours = NeighboursOf(phase);
  }
  const std::vector<uint32_t> popularity =
      CountPopularity(*phase.train, dataset_.items);
  // Each is found without what is found behind it.
  Phase ranked = phase;
  if (options_.find_neighbours) ranked.neighbours = {};
  RankingTrials trials;
  if (options_.find_prior) {
    trials.priors = TryPriors(ranked, rows, popularity, options_.threads);
    ranked.prior = ChoosePrior(trials.priors);
  }
  if (options_.find_neighbours) {
    trials.neighbours =
        TryNeighbours(ranked, rows, popularity, options_.threads);
  }
  return trials;
}

const model::NeighbourLists* FitPhases::NeighboursOf(const Phase& phase) {
  if (phase.train != listed_train_) {
    lists_ = trainer::FindAllNeighbours(
        trainer::PositiveGraph(*phase.train, dataset_.items),
        static_cast<size_t>(options_.neighbour_count), options_.threads);
    listed_train_ = phase.train;
  }
  return &lists_;
}

absl::Status FitPhases::RunEpoch(const Phase& phase, int epoch,
                                 Running* running) {
  trainer::OfflineFit& fit = *running->fit;
  ExperimentProgress progress;
  progress.phase = phase.name;
  progress.epoch = epoch - 1;
  progress.epochs = phase.epochs;
  if (epoch > 1) {
    // As they were at the end of the epoch before.
    progress.loss = fit.figures().loss;
    progress.tau0 = fit.figures().tau0;
    progress.recall = running->best.curve.back().recall;
    progress.ndcg = running->best.curve.back().ndcg;
  }
  const auto start = std::chrono::steady_clock::now();
  absl::Status status = fit.RunEpoch([&](double share) {
    progress.share = (done_ + epoch - 1 + share) / planned_;
    return observer_(progress);
  });
  if (!status.ok()) return status;
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  running->seconds += elapsed.count();
  progress.epoch = epoch;
  progress.epoch_ended = true;
  progress.share = (done_ + epoch) / planned_;
  progress.loss = fit.figures().loss;
  progress.tau0 = fit.figures().tau0;
  progress.recall = progress.ndcg = -1;
  Look(phase, epoch, running, &progress);
  if (!observer_(progress)) {
    return absl::CancelledError(absl::StrCat("stopped after epoch ", epoch));
  }
  return absl::OkStatus();
}

void FitPhases::Look(const Phase& phase, int epoch, Running* running,
                     ExperimentProgress* progress) {
  const trainer::OfflineFit& fit = *running->fit;
  PhaseResult& best = running->best;
  best.curve.push_back(FiguresOf(fit, running->popularity));
  const int interval = std::max(1, phase.schedule / kLooks);
  const int extra = phase.last ? options_.measure_every : 0;
  const bool last = epoch == phase.epochs;
  const bool chooses = last || (phase.measure_often && epoch % interval == 0);
  const bool looks = chooses || (extra > 0 && epoch % extra == 0);
  if (phase.test == nullptr || !looks) return;
  const RankingReport report =
      MeasureRanking(phase, RowsOf(fit, running->neighbours),
                     running->popularity, options_.threads);
  EpochFigures& figures = best.curve.back();
  progress->recall = figures.recall = report.main_recall();
  progress->ndcg = figures.ndcg = report.main_ndcg();
  if (!chooses) return;
  // What is chosen on test is the best, whatever the schedule.
  const double tolerance = options_.select == Select::kTest ? 0.0 : kSameRecall;
  const double before = best.epochs == 0 ? -1 : best.report.main_recall();
  if (!IsBetterEpoch(report.main_recall(), before, last, tolerance)) return;
  best.report = report;
  best.epochs = epoch;
  best.temperatures = fit.Temperatures();
  best.item_norm = figures.item_norm;
  best.figures = fit.figures();
}

double FitPhases::ProbeGradient(const trainer::OfflineFit& fit,
                                const Phase& phase) {
  using trainer::Normalize;
  using trainer::RankBy;
  const Normalize normalize = options_.fit.normalize;
  if (options_.fit.rank == RankBy::kCosine && normalize != Normalize::kBoth) {
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

}  // namespace taud::lab
