#ifndef TAUD_TRAINER_OFFLINE_OFFLINE_FIT_H_
#define TAUD_TRAINER_OFFLINE_OFFLINE_FIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "model/item_lists.h"
#include "model/snapshot.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_learner.h"
#include "trainer/offline/offline_options.h"
#include "trainer/offline/offline_temperatures.h"
#include "trainer/sampling/negative_sampler.h"

namespace taud::trainer {

struct OfflineFitFigures {
  int epochs = 0;
  double loss = 0;           // mean loss of the last epoch
  double learning_rate = 0;  // at the start of the schedule
  double tau0 = 0;           // the mean, where temperatures are learned
  double gap = 0;            // μ₊ − μ after the last epoch
  double tau0_eq13 = 0, tau0_eq14 = 0;  // what the equations say of the moments
  double variance_gap = 0;              // σ₊² − σ² after the last epoch
  double positive_score = 0;            // mean f(u, i) in the last epoch
  // False negatives that were left out, a row, in the last epoch.
  double false_negatives = 0;
};

// Learning in epochs over a fixed set of positives, as in the papers; losses,
// samplers, temperatures and optimiser are those of OnlineFit. Each epoch
// visits every pair once, in random order; then the temperatures are adapted
// (OfflineTemperatures).
//
// The same seed and the same number of threads of the learner give the same
// rows. While a learner waits for a device the next batch is drawn on a thread
// of the fit's own, which changes nothing of what is learnt. Thread-compatible.
class OfflineFit {
 public:
  // `train` [user] → items < num_items, without repeats; it must outlive this,
  // and is what `learner` was made for. Rows without positives stay zero.
  OfflineFit(const OfflineFitOptions& options, const model::ItemLists* train,
             uint32_t num_items, std::unique_ptr<OfflineLearner> learner);

  // Called between steps with the share of the epoch that is done; false
  // stops the epoch.
  using KeepGoing = std::function<bool(double share)>;
  // CANCELLED if stopped; INTERNAL if values stopped being finite;
  // FAILED_PRECONDITION without two items and a pair to learn from.
  absl::Status RunEpoch(const KeepGoing& keep_going);

  // What to rank by, see OfflineLearner.
  model::Matrix Users() const { return learner_->Users(); }
  model::Matrix Items() const { return learner_->Items(); }
  std::vector<float> ItemNorms() const { return learner_->ItemNorms(); }
  // τ_u by user; 0 for users without positives.
  std::vector<float> Temperatures() const;
  const OfflineFitFigures& figures() const { return figures_; }

 private:
  struct Pair {
    uint32_t user, item;
  };

  // The batch of the pairs begin … end. Draws from random_ and negatives_.
  void FillBatch(size_t begin, size_t end, SsmBatch* batch);
  // Those that the rows of the batch share, if they share any.
  void FillNegatives(SsmBatch* batch);
  float NegativeWeight(const SsmBatch& batch) const;
  // A step of batch_, and the batch of begin … end, if there is any, in
  // next_batch_.
  void StepAndFillNext(float rate, size_t begin, size_t end);
  absl::Status Account();
  void EndEpoch();

  // Constant after construction.
  const OfflineFitOptions options_;
  const model::ItemLists& train_;
  const std::unique_ptr<OfflineLearner> learner_;
  size_t active_items_ = 0;
  double log_sparsity_ = 1;

  NegativeSampler negatives_;
  std::mt19937_64 random_;
  std::vector<Pair> pairs_;  // shuffled in each epoch
  std::unique_ptr<OfflineTemperatures> temperatures_;

  // The present epoch and step.
  double loss_total_ = 0, score_total_ = 0;
  int64_t false_negatives_ = 0;
  int bad_steps_ = 0;
  SsmBatch batch_, next_batch_;
  MfStepResult step_;
  // Two workers, if the learner waits for a device: one steps, one fills.
  WorkerPool ahead_;

  OfflineFitFigures figures_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_OFFLINE_FIT_H_
