#ifndef TAUD_LAB_EXPERIMENT_H_
#define TAUD_LAB_EXPERIMENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lab/dataset.h"
#include "lab/neighbour_trials.h"
#include "lab/norm_exponent.h"
#include "lab/probes.h"
#include "lab/query_prior.h"
#include "lab/ranking_report.h"
#include "lab/slice_trial.h"
#include "model/item_lists.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_learner.h"
#include "trainer/offline/offline_options.h"

namespace taud::lab {

// Raised with every change by which the same options give other figures: what
// was measured before is then measured again.
inline constexpr int kResultsVersion = 17;

// By what the number of epochs is chosen.
enum class Select {
  // Recall on a slice cut from train; then fits all of train as long.
  kValidation,
  // Recall on test, as the authors of the papers did. Flatters.
  kTest,
  // Nothing: the last epoch of the schedule.
  kLast,
};

// Makes the learner of a fit that the CPU learner does not take:
// trainer::MakeAutogradLearner, or null in a program without LibTorch.
using AutogradLearnerMaker =
    absl::StatusOr<std::unique_ptr<trainer::OfflineLearner>> (*)(
        const trainer::OfflineFitOptions& options,
        const model::ItemLists& train, uint32_t num_items,
        const std::string& device, trainer::WorkerPool* pool);

struct ExperimentOptions {
  // The fit; held_tau0 and, if it is to be found, ρ are the experiment's to
  // set.
  trainer::OfflineFitOptions fit;
  // κ >= 0, the interactions that the common taste counts as where users are
  // ranked for (lab/query_prior.h).
  double prior = 0;
  // Items are ranked by cos(e_u, e_i) · ‖e_i‖^p (lab/norm_exponent.h) if it is
  // there, by fit.rank otherwise. From 0 to kMaxNormExponent.
  std::optional<double> norm_exponent;
  // Finds p on the validation slice, with ρ and again at the end of what
  // chooses the epoch. For backbones whose norms are free.
  bool find_norm_exponent = false;
  // Finds β, which negatives are drawn by, on the validation slice, before ρ.
  // For shared negatives of the sampled softmax only.
  bool find_beta = false;
  // Finds ρ on the validation slice. For losses with one only.
  bool find_rho = true;
  // τ₀ is so many times what the moments say; for adaptive temperatures. If it
  // is not 1, τ₀ is held, as with ρ ≠ 1.
  double tau0_factor = 1;
  // Finds it on the validation slice, after ρ.
  bool find_tau0_factor = false;
  // Finds κ on the validation slice, after ρ.
  bool find_prior = true;
  // The neighbourhood's part in what users are ranked for
  // (query/neighbourhood.h), with lists of so many neighbours.
  query::NeighbourWeights neighbours;
  int neighbour_count = 200;
  // Finds its weights on the validation slice, after κ.
  bool find_neighbours = false;
  int threads = 1;
  std::string device = "cpu";  // or auto, cuda, cuda:N
  Select select = Select::kValidation;
  // If positive, the last fit is also measured on test after every so many
  // epochs, for its curve; nothing is chosen by that.
  int measure_every = 0;
  AutogradLearnerMaker tensors = nullptr;
};

// Whether RunExperiment needs options.tensors.
bool NeedsTensors(const ExperimentOptions& options);

// INVALID_ARGUMENT naming a number that is out of range.
absl::Status CheckOptions(const ExperimentOptions& options);

// How far an experiment is.
struct ExperimentProgress {
  std::string phase;  // "beta 0.5", "rho 1.1", "refit", …
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

// One epoch of a fit.
struct EpochFigures {
  int epoch = 0;
  double loss = 0, tau0 = 0, positive_score = 0;  // see OfflineFitFigures
  double recall = -1, ndcg = -1;  // at kMainCutoff; −1: not yet
  GroupMeans item_norm = {};      // before normalisation
};

struct ExperimentResult {
  RankingReport test;
  int epochs = 0;
  double beta = 0;
  double rho = 0;
  double tau0_factor = 1;
  double prior = 0;  // κ
  query::NeighbourWeights neighbours;
  std::optional<double> norm_exponent;  // p, see ExperimentOptions
  double learning_rate = 0;             // at the start of the schedule
  double tau0 = 0;
  std::vector<float> user_temperatures;  // of users with training items, sorted
  double tau0_eq13 = 0, tau0_eq14 = 0;   // of the last moments
  double gap = 0;                        // μ₊ − μ
  double variance_gap = 0;               // σ₊² − σ²
  // See GradientMagnitude; −1 if vectors are ranked by their directions but
  // were learnt with their lengths.
  double gradient_magnitude = -1;
  double loss = 0;
  double false_negatives = 0;       // left out, a row
  std::vector<float> user_tau;      // [user], 0 without training items
  double epoch_seconds = 0;         // mean of the last fit, without measuring
  GroupMeans item_norm = {};        // means before normalisation, head to tail
  std::vector<EpochFigures> curve;  // of the last fit, on test
  std::vector<EpochFigures> validation_curve;  // on the slice
  // If select is kValidation: the best on the slice.
  double validation_recall = 0;
  double validation_ndcg = 0;
  std::vector<SliceTrial> beta_trials;           // if find_beta
  std::vector<SliceTrial> rho_trials;            // if find_rho
  std::vector<SliceTrial> tau0_trials;           // if find_tau0_factor
  std::vector<SliceTrial> prior_trials;          // of κ, if find_prior
  std::vector<NeighbourTrial> neighbour_trials;  // if find_neighbours
  std::vector<SliceTrial> norm_trials;           // of p, if find_norm_exponent
  std::string protocol;  // in words: what was chosen, and on what
};

// Learns from dataset.train and measures on dataset.test. With Eq. 14 and
// ρ ≠ 1, τ₀ is first found by a short fit with ρ = 1 and then held: following
// μ₊ − μ while ρ pushes it down, τ₀ would run away.
//
// INVALID_ARGUMENT for options out of range; CANCELLED if the observer stops
// it; FAILED_PRECONDITION without the tensors it needs; UNAVAILABLE without the
// device; what OfflineFit::RunEpoch returns.
absl::StatusOr<ExperimentResult> RunExperiment(
    const Dataset& dataset, const ExperimentOptions& options,
    const ExperimentObserver& observer);

}  // namespace taud::lab

#endif  // TAUD_LAB_EXPERIMENT_H_
