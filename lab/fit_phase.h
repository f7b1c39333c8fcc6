#ifndef TAUD_LAB_FIT_PHASE_H_
#define TAUD_LAB_FIT_PHASE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lab/dataset.h"
#include "lab/experiment.h"
#include "lab/slice_trial.h"
#include "model/item_lists.h"
#include "model/neighbour_lists.h"
#include "model/snapshot.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_fit.h"

// One fit of an experiment, and what is measured while it runs. An experiment
// is several of them: short ones that choose, then the one that is reported.

namespace taud::lab {

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
  // The ranking is measured with these κ and p, and this neighbourhood.
  double prior = 0;
  std::optional<double> norm_exponent;
  query::NeighbourWeights neighbours;
  // Whether other p are tried after the last epoch.
  bool tries_exponents = false;
  // Whether the rows are kept, for FitPhases::TryRankings.
  bool keeps_rows = false;
};

// What a fit leaves to rank by: users without the common taste, items as the
// options' rank has them.
struct FittedRows {
  model::Matrix users, items;
  std::vector<float> item_norms;
  // Of the phase's train, if users are ranked for by their neighbourhood.
  const model::NeighbourLists* neighbours = nullptr;
};

// Ways to rank that were tried with the rows of one fit.
struct RankingTrials {
  std::vector<SliceTrial> priors;
  std::vector<NeighbourTrial> neighbours;
};

// What a fit gave.
struct PhaseResult {
  RankingReport report;  // the best by recall, or the only one
  int epochs = 0;        // after which `report` was measured
  std::vector<SliceTrial> exponents;
  FittedRows rows;  // as they were after the last epoch; empty if not kept
  std::vector<float> temperatures;
  GroupMeans item_norm = {};
  trainer::OfflineFitFigures figures;  // with `report`
  std::vector<EpochFigures> curve;
  double gradient_magnitude = -1;  // after the last epoch
  double epoch_seconds = 0;        // mean
};

// A fit on the slice is judged by its best p, or as it was measured.
SliceTrial BestRanking(const PhaseResult& fit);

// Runs the fits one after another, with the same data, options and threads.
// Single-threaded but for the pool, which it owns; the rest outlives it.
class FitPhases {
 public:
  FitPhases(const Dataset& dataset, const ExperimentOptions& options,
            const ExperimentObserver& observer)
      : dataset_(dataset),
        options_(options),
        observer_(observer),
        pool_(options.threads) {}

  // How many epochs all fits together will have, at most: what the observer's
  // share is of. Skip takes off those that turn out not to be needed.
  void Plan(double epochs) { planned_ = epochs; }
  void Skip(double epochs) { planned_ -= epochs; }

  absl::StatusOr<PhaseResult> Run(const Phase& phase);

  // Tries the κ and the neighbourhood that the options want to be found, with
  // `rows`, which Run kept of a fit. Of `phase` what it was learnt from, what
  // it is ranked on, and how.
  RankingTrials TryRankings(const Phase& phase, FittedRows rows);

 private:
  // A fit under way, and the best of it so far.
  struct Running {
    trainer::OfflineFit* fit = nullptr;
    std::vector<uint32_t> popularity;
    // Of the phase's train; null if nothing is ranked by them.
    const model::NeighbourLists* neighbours = nullptr;
    PhaseResult best;
    double seconds = 0;
  };

  absl::StatusOr<std::unique_ptr<trainer::OfflineLearner>> MakeLearner(
      const Phase& phase, const trainer::OfflineFitOptions& options);
  absl::StatusOr<std::unique_ptr<trainer::OfflineFit>> MakeFit(
      const Phase& phase);
  absl::Status RunEpoch(const Phase& phase, int epoch, Running* running);
  // After an epoch: measures if it is due, and keeps what is best.
  void Look(const Phase& phase, int epoch, Running* running,
            ExperimentProgress* progress);
  double ProbeGradient(const trainer::OfflineFit& fit, const Phase& phase);
  // Of the phase's train. Valid until they are asked for with another train.
  const model::NeighbourLists* NeighboursOf(const Phase& phase);

  const Dataset& dataset_;
  const ExperimentOptions& options_;
  const ExperimentObserver& observer_;
  trainer::WorkerPool pool_;
  double planned_ = 0;
  double done_ = 0;  // epochs of completed fits
  // Most fits have the same train: the lists are made once for them.
  const model::ItemLists* listed_train_ = nullptr;
  model::NeighbourLists lists_;
};

}  // namespace taud::lab

#endif  // TAUD_LAB_FIT_PHASE_H_
