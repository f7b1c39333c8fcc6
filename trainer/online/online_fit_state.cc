// How OnlineFit becomes a training state, and is made of one (fit_state.h).

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "trainer/online/fit_state.h"
#include "trainer/online/fit_state_reader.h"
#include "trainer/online/online_fit.h"
#include "trainer/sampling/random_text.h"

namespace taud::trainer {
namespace {

void ExportNeighbours(const NeighbourUpkeep& neighbours,
                      model::TrainingState* state) {
  const model::NeighbourLists& lists = neighbours.lists();
  state->integers[kNeighbourStale] = neighbours.StaleItems();
  std::vector<uint32_t>& counts = state->integers[kNeighbourCount];
  std::vector<uint32_t>& items = state->integers[kNeighbourItem];
  std::vector<float>& weights = state->floats[kNeighbourWeight];
  for (uint32_t item = 0; item < lists.size(); ++item) {
    const auto list = lists.Of(item);
    counts.push_back(static_cast<uint32_t>(list.size()));
    for (const model::Neighbour& neighbour : list) {
      items.push_back(neighbour.item);
      weights.push_back(neighbour.weight);
    }
  }
}

}  // namespace

std::unique_ptr<model::TrainingState> OnlineFit::Export() const {
  auto state = std::make_unique<model::TrainingState>();
  state->absorbed_through = absorbed_through_;
  ExportRows(Side::kUsers, state.get());
  ExportRows(Side::kItems, state.get());
  state->floats["users/loss"] = user_loss_;
  state->integers["pairs/user"] = pairs_.users();
  state->integers["pairs/item"] = pairs_.items();
  state->floats["pairs/weight"] = pairs_.weights();
  state->integers["present"] = pairs_.items_present();
  state->integers["negatives"] = negatives_.items();
  PairSampler::State sampler = sampler_.Export();
  state->integers["sampler/window"] = std::move(sampler.window);
  state->integers["sampler/young"] = std::move(sampler.young);
  state->integers["sampler/visits"] = std::move(sampler.young_visits);
  state->longs[kSamplerTurn] = {sampler.turn_size, sampler.turn_next,
                                sampler.turn_key};
  state->texts["sampler/random"] = std::move(sampler.random);
  state->texts["negatives/random"] = negatives_.RandomState();
  state->texts["random"] = RandomToText(random_);
  std::vector<uint32_t>& mark_pairs = state->integers["marks/pairs"];
  std::vector<uint64_t>& mark_sequences = state->longs["marks/sequence"];
  for (const Mark& mark : marks_) {
    mark_pairs.push_back(mark.pairs);
    mark_sequences.push_back(mark.sequence);
  }
  ExportHeldAndMarks(state.get());
  std::vector<uint64_t>& counters = state->longs["counters"];
  counters.resize(StateCounter::kCount);
  counters[StateCounter::kTrainedThrough] = trained_through_;
  counters[StateCounter::kWarmThrough] = warm_through_;
  counters[StateCounter::kSteps] = steps_;
  counters[StateCounter::kPositives] = positives_;
  counters[StateCounter::kAdaptedSteps] = adapted_steps_;
  counters[StateCounter::kContained] = contained_;
  counters[StateCounter::kWindowBegin] = sampler.window_begin;
  counters[StateCounter::kWindowEnd] = sampler.window_end;
  state->doubles[kQueryWeights] = query_meter_.State();
  state->doubles[kTau0Factor] = {tau0_factor_, held_from_age_};
  state->doubles[kNeighbourWeights] = query_meter_.NeighbourState();
  ExportNeighbours(neighbours_, state.get());
  std::vector<double>& figures = state->doubles["figures"];
  figures.resize(StateFigure::kCount);
  figures[StateFigure::kDim] = static_cast<double>(learner_->dim());
  figures[StateFigure::kWarmPasses] = warm_passes_;
  figures[StateFigure::kUsersStarted] = static_cast<double>(users_started_);
  figures[StateFigure::kItemsStarted] = static_cast<double>(items_started_);
  figures[StateFigure::kHasModel] = has_model_ ? 1.0 : 0.0;
  figures[StateFigure::kEpochs] = epochs_;
  figures[StateFigure::kVisits] = visits_;
  figures[StateFigure::kLoss] = loss_;
  figures[StateFigure::kTau0] = tau0_;
  figures[StateFigure::kTau0Eq13] = tau0_eq13_;
  figures[StateFigure::kMeanLoss] = mean_loss_;
  figures[StateFigure::kAdaptedEpochs] = adapted_epochs_;
  figures[StateFigure::kMomentsMean] = moments_.mean;
  figures[StateFigure::kMomentsVariance] = moments_.variance;
  figures[StateFigure::kPositiveMean] = moments_.positive_mean;
  figures[StateFigure::kPositiveVariance] = moments_.positive_variance;
  return state;
}

void OnlineFit::ExportRows(Side side, model::TrainingState* state) const {
  const bool users = side == Side::kUsers;
  const std::string name = users ? "users" : "items";
  MfTable table;
  learner_->Export(side, &table);
  state->floats[name + "/values"] = std::move(table.values);
  state->floats[name + "/moment1"] = std::move(table.moment1);
  state->floats[name + "/moment2"] = std::move(table.moment2);
  state->integers[name + "/updates"] = std::move(table.updates);
  state->integers[name + "/learnt"] = users ? user_learnt_ : item_learnt_;
  state->floats[name + "/visits"] = users ? user_visits_ : item_visits_;
  state->floats[name + "/rate"] = users ? user_rate_ : item_rate_;
  state->integers[OwedBy(name)] =
      (users ? user_renewal_ : item_renewal_).State();
}

void OnlineFit::ExportHeldAndMarks(model::TrainingState* state) const {
  // Named though there is none: it says that the state is not of before.
  state->integers[kHeldUser] = state->integers[kHeldItem] = {};
  state->integers[kHeldRecentCount] = state->integers[kHeldRecentItem] = {};
  state->integers[kHeldRecentSecond] = {};
  state->floats[kHeldWeight] = {};
  state->longs[kHeldSequence] = {};
  for (const HeldPair& pair : held_.pairs()) {
    state->integers[kHeldUser].push_back(pair.user);
    state->integers[kHeldItem].push_back(pair.item);
    state->floats[kHeldWeight].push_back(pair.weight);
    state->longs[kHeldSequence].push_back(pair.sequence);
    state->integers[kHeldRecentCount].push_back(
        static_cast<uint32_t>(pair.recent.size()));
    for (const query::RecentItems::Entry& entry : pair.recent) {
      state->integers[kHeldRecentItem].push_back(entry.item);
      state->integers[kHeldRecentSecond].push_back(entry.second);
    }
  }
  state->longs[kHeldAsked] = {0, held_asked_, held_asked_at_};
  std::vector<uint32_t>& mark_pairs = state->integers[kYoungMarkPairs];
  std::vector<uint64_t>& mark_sequences = state->longs[kYoungMarkSequence];
  for (const Mark& mark : young_marks_) {
    mark_pairs.push_back(mark.pairs);
    mark_sequences.push_back(mark.sequence);
  }
  std::vector<uint32_t>& late = state->integers[kLatePair];
  std::vector<uint64_t>& before = state->longs[kLateBefore];
  for (const auto& [pair, sequence] : late_pairs_) {
    late.push_back(pair);
    before.push_back(sequence);
  }
}

// REQUIRES: CheckTrainingState found nothing; so with the next one.
void OnlineFit::ImportRows(Side side, const model::TrainingState& state) {
  FitStateReader reader(state);
  const bool users = side == Side::kUsers;
  const std::string name = users ? "users" : "items";
  learner_->Import(
      side,
      {reader.Floats(name + "/values"), reader.Floats(name + "/moment1"),
       reader.Floats(name + "/moment2"), reader.Integers(name + "/updates")});
  (users ? user_learnt_ : item_learnt_) = reader.Integers(name + "/learnt");
  (users ? user_visits_ : item_visits_) = reader.Floats(name + "/visits");
  (users ? user_rate_ : item_rate_) = reader.Floats(name + "/rate");
  RowRenewal& renewal = users ? user_renewal_ : item_renewal_;
  renewal.Grow(learner_->rows(side));
  const auto owed = state.integers.find(OwedBy(name));
  if (owed != state.integers.end()) renewal.Assign(owed->second);
}

void OnlineFit::ImportHeldAndMarks(const model::TrainingState& state) {
  FitStateReader reader(state);
  if (!reader.HasLongs(kHeldAsked) || !reader.HasLongs(kYoungMarkSequence)) {
    return;
  }
  const std::vector<uint64_t>& asked = reader.Longs(kHeldAsked);
  held_.Assign(HeldPairsOf(&reader));
  held_asked_ = std::min<size_t>(asked[1], kTimesHeldIsAsked - 1);
  held_asked_at_ =
      static_cast<uint32_t>(std::min<uint64_t>(asked[2], pairs_.size()));
  const std::vector<uint32_t>& mark_pairs = reader.Integers(kYoungMarkPairs);
  const std::vector<uint64_t>& sequences = reader.Longs(kYoungMarkSequence);
  for (size_t m = 0; m < mark_pairs.size(); ++m) {
    young_marks_.push_back({mark_pairs[m], sequences[m]});
  }
  const std::vector<uint32_t>& late = reader.Integers(kLatePair);
  const std::vector<uint64_t>& before = reader.Longs(kLateBefore);
  for (size_t k = 0; k < late.size(); ++k) late_pairs_[late[k]] = before[k];
}

// A state of before had items among its negatives whose rows are set later.
std::vector<uint32_t> OnlineFit::WithRow(
    const std::vector<uint32_t>& items) const {
  const auto dim = static_cast<size_t>(learner_->dim());
  std::vector<float> rows(items.size() * dim);
  learner_->GetRows(Side::kItems, items, rows.data());
  std::vector<uint32_t> with_row;
  for (size_t k = 0; k < items.size(); ++k) {
    const float* const row = rows.data() + k * dim;
    if (std::any_of(row, row + dim, [](float v) { return v != 0; })) {
      with_row.push_back(items[k]);
    }
  }
  return with_row;
}

absl::Status OnlineFit::Import(const model::TrainingState& state) {
  FitStateReader reader(state);
  absl::Status status = CheckTrainingState(
      state, learner_->dim(), PositivePairs::kRemoved, PositivePairs::kRemoved);
  if (!status.ok()) return status;
  ImportRows(Side::kUsers, state);
  ImportRows(Side::kItems, state);
  user_loss_ = reader.Floats("users/loss");
  pairs_.Assign(reader.Integers("pairs/user"), reader.Integers("pairs/item"),
                reader.Floats("pairs/weight"), reader.Integers("present"));
  recent_known_ = false;
  ImportHeldAndMarks(state);
  const auto query_weights = state.doubles.find(kQueryWeights);
  if (query_weights != state.doubles.end()) {
    query_meter_.Assign(query_weights->second);
  }
  const auto neighbour_weights = state.doubles.find(kNeighbourWeights);
  if (neighbour_weights != state.doubles.end()) {
    query_meter_.AssignNeighbours(neighbour_weights->second);
  }
  const auto factor = state.doubles.find(kTau0Factor);
  if (factor != state.doubles.end()) {
    tau0_factor_ = factor->second[0];
    held_from_age_ = factor->second[1];
  }
  neighbours_.Begin(pairs_, NeighboursOf(&reader), StaleNeighboursOf(&reader));
  sampler_.Import(SamplerState(state, &reader));
  negatives_.Assign(WithRow(reader.Integers("negatives")),
                    reader.Text("negatives/random"));
  RandomFromText(reader.Text("random"), &random_);
  const std::vector<uint32_t>& mark_pairs = reader.Integers("marks/pairs");
  const std::vector<uint64_t>& sequences = reader.Longs("marks/sequence");
  for (size_t m = 0; m < mark_pairs.size(); ++m) {
    marks_.push_back({mark_pairs[m], sequences[m]});
  }
  absorbed_through_ = state.absorbed_through;
  const std::vector<uint64_t>& counters = reader.Longs("counters");
  trained_through_ = counters[StateCounter::kTrainedThrough];
  warm_through_ = counters[StateCounter::kWarmThrough];
  steps_ = counters[StateCounter::kSteps];
  positives_ = counters[StateCounter::kPositives];
  adapted_steps_ = counters[StateCounter::kAdaptedSteps];
  contained_ = counters[StateCounter::kContained];
  const std::vector<double>& figures = reader.Doubles("figures");
  warm_passes_ = figures[StateFigure::kWarmPasses];
  users_started_ = static_cast<size_t>(figures[StateFigure::kUsersStarted]);
  // A state of before did not count those that it drew too early.
  std::vector<uint32_t> all_items(learner_->rows(Side::kItems));
  std::iota(all_items.begin(), all_items.end(), uint32_t{0});
  items_started_ = WithRow(all_items).size();
  has_model_ = figures[StateFigure::kHasModel] != 0;
  epochs_ = figures[StateFigure::kEpochs];
  visits_ = figures[StateFigure::kVisits];
  loss_ = figures[StateFigure::kLoss];
  tau0_ = figures[StateFigure::kTau0];
  tau0_eq13_ = figures[StateFigure::kTau0Eq13];
  mean_loss_ = figures[StateFigure::kMeanLoss];
  adapted_epochs_ = figures[StateFigure::kAdaptedEpochs];
  moments_.mean = figures[StateFigure::kMomentsMean];
  moments_.variance = figures[StateFigure::kMomentsVariance];
  moments_.positive_mean = figures[StateFigure::kPositiveMean];
  moments_.positive_variance = figures[StateFigure::kPositiveVariance];
  return absl::OkStatus();
}

}  // namespace taud::trainer
