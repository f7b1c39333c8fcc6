#ifndef TAUD_TRAINER_OFFLINE_FIT_H_
#define TAUD_TRAINER_OFFLINE_FIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "model/snapshot.h"
#include "trainer/evaluation.h"
#include "trainer/mf_learner.h"
#include "trainer/negative_sampler.h"
#include "trainer/ssm_loss.h"
#include "trainer/tau_governor.h"
#include "trainer/temperature.h"

namespace taud::trainer {

struct OfflineFitOptions {
  int batch_rows = 2048;  // positives a step, at most; see StepRows
  int negatives = 1024;   // shared negatives a step
  double learning_rate = 6e-3;
  // Epochs over which the learning rate falls, by half a cosine, to
  // rate_floor of itself. A fit may be stopped earlier.
  int schedule_epochs = 60;
  double rate_floor = 0.02;
  double beta = 0.0;  // negatives ∝ popularity^β
  double rho = 1.0;   // weight of the negative side, see SsmLoss
  // Whether a user's own items are left out of its negatives.
  bool leave_out_known = true;
  double dropout = 0.1;  // share of a user row's coordinates, in [0, 1)
  // τ₀ that is held all along; 0 lets it follow Eq. 14 under the governor.
  double held_tau0 = 0.0;
  // Whether each user has a τ_u by Eq. 16. Otherwise τ₀ is everybody's.
  bool personal = true;
  double super_loss = 1.0;  // β of Eq. 16
  // The temperature at which the losses L(u) of Eq. 16 are compared.
  double common_temperature = 1.0;
  TauGovernorOptions governor;
  uint64_t seed = 1;
};

struct OfflineFitFigures {
  int epochs = 0;
  double loss = 0;  // mean SSM loss of the last epoch
  double tau0 = 0;
  double gap = 0;  // μ₊ − μ after the last epoch
  // False negatives that were left out, a row, in the last epoch.
  double false_negatives = 0;
};

// Learning in epochs over a fixed set of positives, as in the papers; losses,
// samplers, temperatures and optimiser are those of OnlineFit. Each epoch
// visits every pair once, in random order; then τ₀ (Eq. 14) and the τ_u
// (Eq. 16, from the epoch's mean loss of each user) are adapted.
//
// The same seed and the same number of threads of the learner give the same
// rows. Thread-compatible.
class OfflineFit {
 public:
  // `train` [user] → items < num_items, without repeats; it must outlive this.
  // `learner` is empty and becomes the fit's. Rows without positives stay zero.
  OfflineFit(const OfflineFitOptions& options, const ItemLists* train,
             uint32_t num_items, std::unique_ptr<MfLearner> learner);

  // Called between steps with the share of the epoch that is done; false
  // stops the epoch.
  using KeepGoing = std::function<bool(double share)>;
  // CANCELLED if stopped; INTERNAL if values stopped being finite;
  // FAILED_PRECONDITION without two items and a pair to learn from.
  absl::Status RunEpoch(const KeepGoing& keep_going);

  model::Matrix Users() const { return Rows(Side::kUsers); }
  model::Matrix Items() const { return Rows(Side::kItems); }
  // τ_u by user; 0 for users without positives.
  std::vector<float> Temperatures() const;
  const OfflineFitFigures& figures() const { return figures_; }

 private:
  struct Pair {
    uint32_t user, item;
  };

  model::Matrix Rows(Side side) const;
  void StartRows();
  void FillBatch(size_t begin, size_t end);
  void DrawMask(size_t values);
  absl::Status Account();
  void AdaptTau0(double elapsed);
  void AdaptUsers();
  float TemperatureOf(uint32_t user) const;
  void SetRates(double epoch);

  // Constant after construction.
  const OfflineFitOptions options_;
  const ItemLists& train_;
  const std::unique_ptr<MfLearner> learner_;
  std::vector<uint32_t> item_popularity_;
  size_t active_users_ = 0;
  size_t active_items_ = 0;

  NegativeSampler negatives_;
  std::mt19937_64 random_;
  std::vector<Pair> pairs_;  // shuffled in each epoch
  std::vector<float> user_rates_, item_rates_;
  std::vector<double> user_loss_;  // L(u) of the last epoch
  double mean_loss_ = 0;           // m_u of Eq. 16

  // The present epoch and step.
  std::vector<double> loss_sum_;  // by user, at the common temperature
  double loss_total_ = 0;
  int64_t false_negatives_ = 0;
  int bad_steps_ = 0;
  SsmBatch batch_;
  MfStepResult step_;

  OfflineFitFigures figures_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_FIT_H_
