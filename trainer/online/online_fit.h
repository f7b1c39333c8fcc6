#ifndef TAUD_TRAINER_ONLINE_ONLINE_FIT_H_
#define TAUD_TRAINER_ONLINE_ONLINE_FIT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/training_state.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/mf/ssm_loss.h"
#include "trainer/neighbours/neighbour_upkeep.h"
#include "trainer/online/held_pairs.h"
#include "trainer/online/query_meter.h"
#include "trainer/online/row_renewal.h"
#include "trainer/sampling/negative_sampler.h"
#include "trainer/sampling/pair_sampler.h"
#include "trainer/sampling/positive_pairs.h"
#include "trainer/sampling/step_weights.h"
#include "trainer/temperature/tau_governor.h"

namespace taud::trainer {

// The method's own constants: the same for every data set.
struct OnlineFitOptions {
  int batch_rows = 2048;     // positives a step, at most
  int negatives = 1024;      // shared negatives a step
  double learning_rate = 0;  // 0: RateForDensity
  // Passes over the data until it has settled; a row's learning rate falls
  // to rate_floor over as many (see RateAtAge).
  double horizon = 30;
  double rate_floor = 0.02;
  double dropout = 0.1;     // share of a user row's coordinates, in [0, 1)
  double super_loss = 4.0;  // β of Eq. 16; users' losses are compared at τ₀
  int neighbours = 128;     // a list of neighbours has, at most; 0: none
  TauGovernorOptions governor;
  uint64_t seed = 1;
};

// Figures of the fit, for status and snapshots.
struct OnlineFitFigures {
  uint64_t steps = 0;
  uint64_t positives = 0;    // rows learnt
  double epochs = 0;         // positives ÷ distinct pairs, summed
  double loss = 0;           // decayed mean SSM loss, each row at its τ_u
  double gradient_norm = 0;  // decayed mean
  double tau0 = 0;
  double tau0_factor = 1;  // of what Eq. 14 says, by held pairs
  double rho = 1;          // weight of the negatives, bilateral_weight.h
  bool warming_up = true;  // τ_u still equals τ₀
  uint64_t contained = 0;  // non-finite steps of a row that were undone
};

// The learning itself, without the thread: takes interactions in, makes
// steps, says whether it has settled, and builds snapshots.
//
// Its life is a loop, which OnlineTrainer runs:
//
//   Absorb: new interactions become pairs of a user and an item
//   Step:   learns from a batch of pairs, new ones first, old ones in turn
//   Settled? Every pair has been learnt from, and every row has had its passes
//           (options.horizon, 30): nothing is left to do until something comes
//
// For example, with 1,000,000 pairs and batches of 2,048 a pass is 489 steps.
// After 30 passes, some 14,700 steps, the fit has settled. Then 100 pairs come:
// the next step learns from them, and their rows are older by a little; the
// rows that had settled are renewed (row_renewal.h), and it settles again.
//
// Thread-compatible: one thread at a time.
class OnlineFit {
 public:
  // Fewer pairs or items than this are not learnt from.
  static constexpr uint32_t kMinPairs = 8;
  static constexpr size_t kMinItems = 2;

  // `learner` is empty and becomes the fit's.
  OnlineFit(const OnlineFitOptions& options,
            std::unique_ptr<MfLearner> learner);

  // Starts from an earlier snapshot: interactions through its trained_through
  // count as learnt. REQUIRES: nothing was absorbed yet. INVALID_ARGUMENT if
  // the dimension differs; DATA_LOSS if the snapshot is not valid.
  absl::Status WarmStart(const model::Snapshot& snapshot);

  // Takes in what was appended since the last call, through `limit` at most.
  // Returns whether there was anything. A dislike takes back what its user
  // liked of its item before: the pair is learnt no more, and the user's row
  // begins anew from what is left. Weights that are not positive numbers count
  // as read.
  bool Absorb(const model::Interactions& interactions,
              model::Sequence limit = kNoLimit);
  static constexpr model::Sequence kNoLimit = ~model::Sequence{0};

  // Everything through `sequence` counts as absorbed: there are no more of
  // them.
  void AdvanceThrough(model::Sequence sequence) {
    absorbed_through_ = std::max(absorbed_through_, sequence);
  }

  // Forgets all about the users and items: rows, moments, losses, pairs. The
  // interactions must not have any of them any more. O(pairs).
  void Forget(const std::vector<uint32_t>& users,
              const std::vector<uint32_t>& items);

  // Everything, see fit_state.h. A fit that imports it, and then absorbs what
  // this one absorbs, makes the same steps to the bit.
  std::unique_ptr<model::TrainingState> Export() const;
  // REQUIRES: nothing was absorbed yet. DATA_LOSS or INVALID_ARGUMENT as
  // CheckTrainingState; the fit is then not to be used.
  absl::Status Import(const model::TrainingState& state);

  bool Ready() const;  // enough to learn from
  // Whether there is nothing to learn: no new pair and none held back, the
  // passes are done, and so are those of rows that were made younger
  // (RowRenewal), and no list of neighbours is stale.
  bool Settled() const;

  // One step. REQUIRES: Ready(). INTERNAL if values that are not finite
  // could not be contained: the rows are then not to be published.
  absl::Status Step();

  // Whether some row has been learnt or taken over, so that there is a
  // snapshot to make.
  bool HasModel() const { return has_model_; }
  // The present state, valid in the sense of model::ValidateSnapshot;
  // version 0. created_ms is left to the caller. Without a model all rows are
  // untrained.
  std::unique_ptr<model::Snapshot> MakeSnapshot() const;

  OnlineFitFigures figures() const;
  model::Sequence trained_through() const { return trained_through_; }
  uint32_t pairs() const { return pairs_.size(); }
  uint32_t unvisited() const { return sampler_.unvisited(); }
  size_t absorbed() const { return position_; }  // interactions read
  model::Sequence absorbed_through() const { return absorbed_through_; }

 private:
  // When the first `pairs` pairs have been learnt from, so has everything in
  // the log through `sequence`. For example {500, 812}: the 812 interactions so
  // far made 500 pairs, for some were of the same pair or of no positive kind.
  struct Mark {
    uint32_t pairs;
    model::Sequence sequence;
  };
  // A pair that its user likes no more.
  struct Undone {
    uint32_t pair, user, item;
  };

  // Notes a mark for what was absorbed.
  void MarkAbsorbed();
  // Takes the marks off whose pairs have been learnt from, which moves
  // trained_through_ on.
  void PassMarks();
  uint32_t RowsPerStep() const;
  double Horizon() const;  // passes, longer for data of a few steps a pass
  double Passes() const;
  bool WarmingUp() const;
  // Nothing is left to do but to find lists of neighbours.
  bool OnlyNeighboursLeft() const;
  QueryMeter::Knowledge Knowledge() const;
  bool PassesDone() const;  // nothing new, and every row as old as it gets
  bool OwesRenewal() const;
  // REQUIRES: PassesDone() and OwesRenewal(). There are passes to do again.
  void RenewRows();
  // Takes a snapshot's trained rows over; returns how many.
  size_t TakeOver(Side side, const model::Matrix& rows,
                  const std::vector<uint32_t>& counts);
  void CountAsLearnt(uint32_t pair);
  void TakeIn(const model::Interaction& interaction, bool ask,
              std::vector<Undone>* undone);
  void AddPair(const HeldPair& pair);
  void AddLatePair(const HeldPair& pair);  // that was held
  // Undoes what was learnt of the pairs. Their users' rows begin anew if few
  // pairs are left, and are made younger otherwise.
  void Unlearn(const std::vector<Undone>& undone,
               const model::Interactions& interactions);
  void RestartUser(uint32_t user, const std::vector<bool>& visited,
                   const model::Interactions& interactions);
  // The pairs that are held are asked about at certain ages of the fit, and
  // learnt after the last.
  bool IsYoung() const;
  void AskHeldIfDue();
  void AdjustTau0();  // by what they say
  static constexpr size_t kTimesHeldIsAsked = 4;
  // Of a pair that was visited: everything its user did through here is older.
  model::Sequence SequenceBefore(uint32_t pair) const;
  void ForgetOldMarks();
  // Says in the snapshot which rows have young pairs, or pairs that are held.
  void FillBehind(model::Snapshot* snapshot) const;
  // Whether the rows of a pair that is to come say something about it.
  bool KnowsRowsOf(uint32_t user, uint32_t item) const;
  uint32_t NumPairsOf(uint32_t user) const;
  bool MayBeHeld(uint32_t user, uint32_t item) const;
  void HoldFirstOf(uint32_t user);
  void Hold(HeldPair pair);
  void GrowToPairs();
  void OpenWindow();
  void StartRows(Side side, uint32_t begin, uint32_t end,
                 const absl::flat_hash_set<uint32_t>& known_others,
                 absl::flat_hash_set<uint32_t>* known);
  // Negatives are drawn from these, too. An item whose row was not set yet is
  // no negative: it has no place that it could be pushed away from.
  void DrawFromThese(const std::vector<uint32_t>& items);
  void DrawFromTakenOver(size_t present_before);
  std::vector<uint32_t> WithRow(const std::vector<uint32_t>& items) const;
  void FillBatch(uint32_t rows);
  float NegativeWeight() const;
  double SparsityOfPairs() const;  // LogSparsity
  double Rho() const;
  double FirstTau0() const;  // before anything was learnt
  float TemperatureOf(uint32_t user) const;
  void Account(uint32_t first);
  void UpdateRate(uint32_t degree, float* visits, float* rate) const;
  void AdaptTemperatures();
  // Of a row that is new.
  double GreatestRate() const;
  void ExportRows(Side side, model::TrainingState* state) const;
  void ImportRows(Side side, const model::TrainingState& state);
  void ExportHeldAndMarks(model::TrainingState* state) const;
  void ImportHeldAndMarks(const model::TrainingState& state);
  absl::Status RepairRows();
  // Takes removed pairs out of drawn_; *first as PairSampler::Draw left it.
  void DropRemoved(uint32_t* first);

  // Constant after construction.
  const OnlineFitOptions options_;
  const std::unique_ptr<MfLearner> learner_;

  // What there is to learn.
  size_t position_ = 0;  // in the interactions
  model::Sequence absorbed_through_ = 0;
  PositivePairs pairs_;
  PairSampler sampler_;
  NegativeSampler negatives_;
  NeighbourUpkeep neighbours_;
  QueryMeter query_meter_;
  bool recent_known_ = true;  // query_meter_ has the latest items
  HeldPairs held_;
  bool loads_ = false;  // what is being absorbed is a load
  // By user, of what is being absorbed: first pairs that may be held.
  absl::btree_map<uint32_t, HeldPair> first_pairs_;
  uint32_t fresh_ = 0;          // pairs that the sampler has not been told of
  size_t held_asked_ = 0;       // times that was asked about those held
  uint32_t held_asked_at_ = 0;  // pairs there were then
  std::deque<Mark> marks_;
  // The marks of pairs that may be young, and the one before.
  std::deque<Mark> young_marks_;
  // By pair that was held and may be young: what came just before it.
  absl::btree_map<uint32_t, model::Sequence> late_pairs_;
  model::Sequence trained_through_ = 0;
  model::Sequence warm_through_ = 0;
  double warm_passes_ = 0;

  // By table row.
  std::vector<uint32_t> user_learnt_, item_learnt_;  // distinct pairs visited
  std::vector<float> user_visits_, item_visits_;     // positives learnt
  std::vector<float> user_rate_, item_rate_;         // learning rates
  RowRenewal user_renewal_, item_renewal_;
  std::vector<float> user_loss_;                  // L(u), decayed mean
  size_t users_started_ = 0, items_started_ = 0;  // rows that were set

  // The present step.
  std::vector<uint32_t> drawn_;
  StepWeights step_weights_;
  SsmBatch batch_;
  MfStepResult step_;

  // Figures.
  std::mt19937_64 random_;
  bool has_model_ = false;
  uint64_t steps_ = 0;
  uint64_t positives_ = 0;
  double epochs_ = 0;
  double visits_ = 0;  // positives learnt, at most Horizon() × pairs
  double loss_ = 0;
  double gradient_norm_ = 0;
  double tau0_ = 0;
  double tau0_factor_ = 1;    // of what Eq. 14 says, by held pairs
  double held_from_age_ = 1;  // of the fit, when it was first asked about them
  double tau0_eq13_ = 0;
  double mean_loss_ = 0;       // m_u of Eq. 16
  double adapted_epochs_ = 0;  // epochs_ when temperatures were last adapted
  uint64_t adapted_steps_ = 0;
  CosineMoments moments_;
  uint64_t contained_ = 0;
  int bad_steps_ = 0;  // in a row
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_ONLINE_FIT_H_
