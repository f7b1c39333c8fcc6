#ifndef TAUD_LAB_EXPERIMENT_H_
#define TAUD_LAB_EXPERIMENT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lab/dataset.h"
#include "lab/ranking_report.h"

namespace taud::lab {

enum class Temperature {
  kAdapTau,   // τ₀ by Eq. 14 and τ_u by Eq. 16 of Adap-τ
  kAdapTau0,  // τ₀ by Eq. 14 for everybody
  kFixed,     // a number for everybody
};

// By what the number of epochs is chosen.
enum class Select {
  // Recall on a slice cut from train; then fits all of train as long.
  kValidation,
  // Recall on test, as the authors of the papers did. Flatters.
  kTest,
  // Nothing: the last epoch of the schedule.
  kLast,
};

struct ExperimentOptions {
  Temperature temperature = Temperature::kAdapTau;
  double tau = 0.1;  // if kFixed; > 0
  double rho = 1.0;  // weight of the negative side, see SsmLoss; > 0
  // Finds ρ on the validation slice instead.
  bool find_rho = false;
  double beta = 0.0;            // negatives ∝ popularity^β, in [0, 1]
  bool leave_out_known = true;  // a user's items, of its negatives
  double dropout = 0.1;         // on the user row, in [0, 1)
  double learning_rate = 6e-3;  // at the start of the schedule; > 0
  int epochs = 60;              // of the schedule, at least 1
  int dim = 64;                 // 1 to kMaxDim
  int threads = 1;
  uint64_t seed = 1;
  Select select = Select::kValidation;
};

// How far an experiment is.
struct ExperimentProgress {
  std::string phase;  // "rho 1.1", "validation", "refit", …
  int epoch = 0;      // epochs of the phase that are complete
  int epochs = 0;     // of the phase
  double share = 0;   // of the whole experiment, in [0, 1]
  // At the end of an epoch: its figures. recall < 0 if it was not evaluated.
  bool epoch_ended = false;
  double loss = 0;
  double tau0 = 0;
  double recall = -1;  // at kMainCutoff
  double ndcg = -1;
};

// Called from the calling thread of RunExperiment, after each step; false
// stops the experiment.
using ExperimentObserver = std::function<bool(const ExperimentProgress&)>;

struct Trial {  // a ρ that was tried, and its figures on the validation slice
  double rho = 0;
  double recall = 0;
  double ndcg = 0;
};

struct ExperimentResult {
  RankingReport test;
  int epochs = 0;
  double rho = 0;
  double tau0 = 0;
  std::vector<float> user_temperatures;  // of users with training items, sorted
  double loss = 0;
  double false_negatives = 0;  // left out, a row
  // If select is kValidation: the best on the slice.
  double validation_recall = 0;
  double validation_ndcg = 0;
  std::vector<Trial> trials;  // if find_rho
  std::string protocol;       // in words: what was chosen, and on what
};

// Learns from dataset.train and measures on dataset.test. With Eq. 14 and
// ρ ≠ 1, τ₀ is first found by a short fit with ρ = 1 and then held: following
// μ₊ − μ while ρ pushes it down, τ₀ would run away.
//
// INVALID_ARGUMENT for options out of range; CANCELLED if the observer stops
// it; what OfflineFit::RunEpoch returns.
absl::StatusOr<ExperimentResult> RunExperiment(
    const Dataset& dataset, const ExperimentOptions& options,
    const ExperimentObserver& observer);

}  // namespace taud::lab

#endif  // TAUD_LAB_EXPERIMENT_H_
