#include "trainer/online/fit_state.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "trainer/online/online_fit.h"
#include "trainer/sampling/random_text.h"

namespace taud::trainer {
namespace {

// The places of the array "counters". Its order is the format: what is new
// comes behind the last, before the number of them.
enum Counter : size_t {
  kTrainedThrough,
  kWarmThrough,
  kSteps,
  kPositives,
  kAdaptedSteps,
  kContained,
  kWindowBegin,
  kWindowEnd,
  kCounters,
};

// Those of the array "figures", likewise.
enum Figure : size_t {
  kDim,
  kWarmPasses,
  kUsersStarted,
  kItemsStarted,
  kHasModel,
  kEpochs,
  kVisits,
  kLoss,
  kTau0,
  kTau0Eq13,
  kMeanLoss,
  kAdaptedEpochs,
  kMomentsMean,
  kMomentsVariance,
  kPositiveMean,
  kPositiveVariance,
  kFigures,
};

constexpr char kQueryWeights[] = "query_weights";
constexpr double kNormTolerance = 1e-3;

// Of PairSampler: the size of the present turn, what is next of it, its key. A
// state of before there were turns begins one.
constexpr char kTurn[] = "sampler/turn";
constexpr size_t kTurnFigures = 3;

// Of pairs that are held back, and of how far rows have come. A state of before
// there were any has none.
constexpr char kHeldUser[] = "held/user";
constexpr char kHeldItem[] = "held/item";
constexpr char kHeldWeight[] = "held/weight";
constexpr char kHeldSequence[] = "held/sequence";
constexpr char kHeldRecentCount[] = "held/recent_count";
constexpr char kHeldRecentItem[] = "held/recent_item";
constexpr char kHeldRecentSecond[] = "held/recent_second";
constexpr char kHeldAsked[] = "held/asked";  // offered, asked, asked at
constexpr char kNeighbourWeights[] = "neighbour_weights";
constexpr char kNeighbourCount[] = "neighbours/count";  // by item
constexpr char kNeighbourItem[] = "neighbours/item";
constexpr char kNeighbourWeight[] = "neighbours/weight";
constexpr char kYoungMarkPairs[] = "young_marks/pairs";
constexpr char kYoungMarkSequence[] = "young_marks/sequence";
constexpr char kLatePair[] = "late/pair";
constexpr char kLateBefore[] = "late/before";
constexpr size_t kHeldAskedFigures = 3;

// Of RowRenewal, by row; a state of before there was one owes nothing.
std::string OwedBy(const std::string& side) { return side + "/owed"; }

absl::Status Damaged(absl::string_view name, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("training state: ", name, " ", why));
}

// Looks arrays up, until one is missing.
class Lookup {
 public:
  explicit Lookup(const model::TrainingState& state) : state_(state) {}

  const std::vector<float>& Floats(const std::string& name) {
    return Find(state_.floats, name);
  }
  const std::vector<uint32_t>& Integers(const std::string& name) {
    return Find(state_.integers, name);
  }
  bool HasLongs(const std::string& name) const {
    return state_.longs.count(name) > 0;
  }
  bool HasIntegers(const std::string& name) const {
    return state_.integers.count(name) > 0;
  }
  const std::vector<uint64_t>& Longs(const std::string& name) {
    return Find(state_.longs, name);
  }
  const std::vector<double>& Doubles(const std::string& name) {
    return Find(state_.doubles, name);
  }
  const std::string& Text(const std::string& name) {
    return Find(state_.texts, name);
  }
  // The length of the array looked up, which must be `expected`.
  template <typename T>
  const T& Sized(const T& array, const std::string& name, size_t expected) {
    if (status_.ok() && array.size() != expected) {
      status_ = Damaged(name, absl::StrCat("has ", array.size(),
                                           " values, expected ", expected));
    }
    return array;
  }
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const absl::Status& status() const { return status_; }

 private:
  template <typename T>
  const T& Find(const std::map<std::string, T>& in, const std::string& name) {
    const auto found = in.find(name);
    if (found != in.end()) return found->second;
    static const T& empty = *new T;
    Fail(Damaged(name, "is missing"));
    return empty;
  }

  const model::TrainingState& state_;
  absl::Status status_;
};

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float x) { return std::isfinite(x); });
}

void CheckSide(const std::string& side, size_t dim, uint64_t known,
               Lookup* lookup) {
  const size_t rows = lookup->Integers(side + "/updates").size();
  if (rows > known) {
    lookup->Fail(Damaged(
        side,
        absl::StrCat("has ", rows, " rows, the log has ids for ", known)));
    return;
  }
  lookup->Sized(lookup->Integers(side + "/learnt"), side + "/learnt", rows);
  if (lookup->HasIntegers(OwedBy(side))) {
    lookup->Sized(lookup->Integers(OwedBy(side)), OwedBy(side), rows);
  }
  for (const char* name : {"/visits", "/rate"}) {
    const auto& values =
        lookup->Sized(lookup->Floats(side + name), side + name, rows);
    if (!AllFinite(values)) lookup->Fail(Damaged(side + name, "is not finite"));
  }
  for (const char* name : {"/values", "/moment1", "/moment2"}) {
    const auto& values =
        lookup->Sized(lookup->Floats(side + name), side + name, rows * dim);
    if (!AllFinite(values)) lookup->Fail(Damaged(side + name, "is not finite"));
  }
  if (!lookup->status().ok()) return;
  const std::vector<float>& values = lookup->Floats(side + "/values");
  const std::vector<uint32_t>& learnt = lookup->Integers(side + "/learnt");
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (size_t c = 0; c < dim; ++c) {
      sum += double{values[row * dim + c]} * values[row * dim + c];
    }
    const bool unit = std::abs(std::sqrt(sum) - 1) <= kNormTolerance;
    if (unit || (sum == 0 && learnt[row] == 0)) continue;
    lookup->Fail(
        Damaged(side + "/values",
                absl::StrCat("row ", row, " has norm ", std::sqrt(sum))));
    return;
  }
  const std::vector<float>& squares = lookup->Floats(side + "/moment2");
  if (std::any_of(squares.begin(), squares.end(),
                  [](float x) { return x < 0; })) {
    lookup->Fail(Damaged(side + "/moment2", "is negative"));
  }
}

void CheckPairs(Lookup* lookup) {
  const std::vector<uint32_t>& users = lookup->Integers("pairs/user");
  const auto& items =
      lookup->Sized(lookup->Integers("pairs/item"), "pairs/item", users.size());
  const auto& weights = lookup->Sized(lookup->Floats("pairs/weight"),
                                      "pairs/weight", users.size());
  const auto& present = lookup->Integers("present");
  const auto& negatives =
      lookup->Sized(lookup->Integers("negatives"), "negatives", present.size());
  if (!lookup->status().ok()) return;
  const size_t num_users = lookup->Integers("users/updates").size();
  const size_t num_items = lookup->Integers("items/updates").size();
  const absl::flat_hash_set<uint32_t> known(present.begin(), present.end());
  if (known.size() != present.size()) {
    lookup->Fail(Damaged("present", "has an item twice"));
  }
  absl::flat_hash_set<uint32_t> drawn;
  for (const uint32_t item : negatives) {
    if (!known.contains(item) || !drawn.insert(item).second) {
      lookup->Fail(Damaged("negatives", "are not the items present"));
      return;
    }
  }
  for (const uint32_t item : present) {
    if (item >= num_items) lookup->Fail(Damaged("present", "is out of range"));
  }
  absl::flat_hash_set<uint64_t> pairs;
  pairs.reserve(users.size());
  for (size_t pair = 0; pair < users.size(); ++pair) {
    if (users[pair] == PositivePairs::kRemoved) continue;
    const bool good =
        users[pair] < num_users && items[pair] < num_items &&
        known.contains(items[pair]) && weights[pair] > 0 &&
        weights[pair] <= model::kMaxInteractionWeight &&
        pairs.insert((uint64_t{users[pair]} << 32) | items[pair]).second;
    if (good) continue;
    lookup->Fail(Damaged("pairs", absl::StrCat("number ", pair, " is bad")));
    return;
  }
}

PairSampler::State SamplerState(const model::TrainingState& state,
                                Lookup* lookup) {
  PairSampler::State sampler;
  const auto& counters =
      lookup->Sized(lookup->Longs("counters"), "counters", kCounters);
  if (!lookup->status().ok()) return sampler;
  sampler.size = static_cast<uint32_t>(lookup->Integers("pairs/user").size());
  sampler.window_begin = static_cast<uint32_t>(counters[kWindowBegin]);
  sampler.window_end = static_cast<uint32_t>(counters[kWindowEnd]);
  sampler.window = lookup->Integers("sampler/window");
  sampler.young = lookup->Integers("sampler/young");
  sampler.young_visits = lookup->Integers("sampler/visits");
  sampler.random = lookup->Text("sampler/random");
  const auto turn = state.longs.find(kTurn);
  if (turn != state.longs.end()) {
    const auto& of_turn = lookup->Sized(turn->second, kTurn, kTurnFigures);
    if (!lookup->status().ok()) return sampler;
    const auto narrow = [](uint64_t value) {
      return static_cast<uint32_t>(std::min<uint64_t>(value, ~uint32_t{0}));
    };
    sampler.turn_size = narrow(of_turn[0]);
    sampler.turn_next = narrow(of_turn[1]);
    sampler.turn_key = of_turn[2];
  }
  return sampler;
}

// The pairs that are held back; what is amiss is in the lookup's status.
std::vector<HeldPair> HeldPairsOf(Lookup* lookup) {
  std::vector<HeldPair> held;
  if (!lookup->HasLongs(kHeldAsked)) return held;
  lookup->Sized(lookup->Longs(kHeldAsked), kHeldAsked, kHeldAskedFigures);
  const auto& users = lookup->Integers(kHeldUser);
  const size_t n = users.size();
  const auto& items = lookup->Sized(lookup->Integers(kHeldItem), kHeldItem, n);
  const auto& weights =
      lookup->Sized(lookup->Floats(kHeldWeight), kHeldWeight, n);
  const auto& sequences =
      lookup->Sized(lookup->Longs(kHeldSequence), kHeldSequence, n);
  const auto& counts =
      lookup->Sized(lookup->Integers(kHeldRecentCount), kHeldRecentCount, n);
  const auto& recent = lookup->Integers(kHeldRecentItem);
  const auto& seconds = lookup->Sized(lookup->Integers(kHeldRecentSecond),
                                      kHeldRecentSecond, recent.size());
  if (!lookup->status().ok()) return held;
  const size_t num_users = lookup->Integers("users/updates").size();
  const size_t num_items = lookup->Integers("items/updates").size();
  absl::flat_hash_set<uint64_t> pairs;
  size_t next = 0;
  for (size_t h = 0; h < n; ++h) {
    const bool good =
        n <= HeldPairs::kMost && users[h] < num_users && items[h] < num_items &&
        weights[h] > 0 && weights[h] <= model::kMaxInteractionWeight &&
        sequences[h] > 0 && counts[h] <= query::kRecentItems &&
        counts[h] <= recent.size() - next &&
        pairs.insert((uint64_t{users[h]} << 32) | items[h]).second;
    if (!good) {
      lookup->Fail(Damaged("held", absl::StrCat("number ", h, " is bad")));
      return {};
    }
    HeldPair pair;
    pair.user = users[h];
    pair.item = items[h];
    pair.weight = weights[h];
    pair.sequence = sequences[h];
    for (uint32_t k = 0; k < counts[h]; ++k, ++next) {
      pair.recent.push_back({recent[next], seconds[next]});
    }
    held.push_back(std::move(pair));
  }
  return held;
}

// The lists of neighbours; what is amiss is in the lookup's status.
model::NeighbourLists NeighboursOf(Lookup* lookup) {
  model::NeighbourLists lists;
  if (!lookup->HasIntegers(kNeighbourCount)) return lists;
  const auto& counts = lookup->Integers(kNeighbourCount);
  const auto& items = lookup->Integers(kNeighbourItem);
  const auto& weights = lookup->Sized(lookup->Floats(kNeighbourWeight),
                                      kNeighbourWeight, items.size());
  const size_t rows = lookup->Integers("items/updates").size();
  if (!lookup->status().ok()) return lists;
  if (!AllFinite(weights) || counts.size() > rows ||
      std::any_of(items.begin(), items.end(),
                  [rows](uint32_t item) { return item >= rows; })) {
    lookup->Fail(Damaged("neighbours", "are out of range"));
    return lists;
  }
  lists.Grow(counts.size());
  size_t next = 0;
  for (uint32_t item = 0; item < counts.size(); ++item) {
    if (counts[item] > items.size() - next) {
      lookup->Fail(Damaged(kNeighbourCount, "are more than there are"));
      return {};
    }
    model::NeighbourList list;
    for (uint32_t k = 0; k < counts[item]; ++k, ++next) {
      list.push_back({items[next], weights[next]});
    }
    lists.Set(item, std::move(list));
  }
  return lists;
}

void CheckHeldAndMarks(Lookup* lookup) {
  HeldPairsOf(lookup);
  NeighboursOf(lookup);
  if (!lookup->HasLongs(kYoungMarkSequence)) return;
  lookup->Sized(lookup->Longs(kYoungMarkSequence), kYoungMarkSequence,
                lookup->Integers(kYoungMarkPairs).size());
  lookup->Sized(lookup->Longs(kLateBefore), kLateBefore,
                lookup->Integers(kLatePair).size());
  if (!lookup->status().ok()) return;
  const std::vector<uint32_t>& marks = lookup->Integers(kYoungMarkPairs);
  if (!std::is_sorted(marks.begin(), marks.end())) {
    lookup->Fail(Damaged(kYoungMarkPairs, "are not in order"));
  }
  const size_t pairs = lookup->Integers("pairs/user").size();
  for (const uint32_t pair : lookup->Integers(kLatePair)) {
    if (pair >= pairs) lookup->Fail(Damaged(kLatePair, "is out of range"));
  }
}

}  // namespace

absl::Status CheckTrainingState(const model::TrainingState& state, int dim,
                                uint64_t num_users, uint64_t num_items) {
  Lookup lookup(state);
  const auto& figures =
      lookup.Sized(lookup.Doubles("figures"), "figures", kFigures);
  if (!lookup.status().ok()) return lookup.status();
  if (figures[kDim] != dim) {
    return absl::InvalidArgumentError(
        absl::StrCat("training state has dimension ", figures[kDim],
                     ", trainer.dim is ", dim));
  }
  for (const double figure : figures) {
    if (!std::isfinite(figure))
      lookup.Fail(Damaged("figures", "is not finite"));
  }
  CheckSide("users", static_cast<size_t>(dim), num_users, &lookup);
  CheckSide("items", static_cast<size_t>(dim), num_items, &lookup);
  const auto& loss = lookup.Sized(lookup.Floats("users/loss"), "users/loss",
                                  lookup.Integers("users/updates").size());
  if (!AllFinite(loss)) lookup.Fail(Damaged("users/loss", "is not finite"));
  CheckPairs(&lookup);
  lookup.Sized(lookup.Longs("marks/sequence"), "marks/sequence",
               lookup.Integers("marks/pairs").size());
  CheckHeldAndMarks(&lookup);
  const PairSampler::State sampler = SamplerState(state, &lookup);
  if (lookup.status().ok() && !PairSampler(0).Import(sampler)) {
    lookup.Fail(Damaged("sampler", "is not a state of it"));
  }
  const auto query_weights = state.doubles.find(kQueryWeights);
  if (query_weights != state.doubles.end() &&
      !query::MakeQueryWeightChoice().Assign(query_weights->second)) {
    lookup.Fail(Damaged(kQueryWeights, "is not a state of it"));
  }
  const auto neighbour_weights = state.doubles.find(kNeighbourWeights);
  if (neighbour_weights != state.doubles.end() &&
      !query::MakeNeighbourChoice().Assign(neighbour_weights->second)) {
    lookup.Fail(Damaged(kNeighbourWeights, "is not a state of it"));
  }
  std::mt19937_64 random;
  for (const char* name : {"random", "negatives/random"}) {
    if (!RandomFromText(lookup.Text(name), &random)) {
      lookup.Fail(Damaged(name, "is not a random state"));
    }
  }
  return lookup.status();
}

std::unique_ptr<model::TrainingState> OnlineFit::Export() const {
  auto state = std::make_unique<model::TrainingState>();
  state->absorbed_through = absorbed_through_;
  for (const Side side : {Side::kUsers, Side::kItems}) {
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
  state->longs[kTurn] = {sampler.turn_size, sampler.turn_next,
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
  counters.resize(kCounters);
  counters[kTrainedThrough] = trained_through_;
  counters[kWarmThrough] = warm_through_;
  counters[kSteps] = steps_;
  counters[kPositives] = positives_;
  counters[kAdaptedSteps] = adapted_steps_;
  counters[kContained] = contained_;
  counters[kWindowBegin] = sampler.window_begin;
  counters[kWindowEnd] = sampler.window_end;
  state->doubles[kQueryWeights] = query_meter_.State();
  state->doubles[kNeighbourWeights] = query_meter_.NeighbourState();
  std::vector<uint32_t>& neighbour_count = state->integers[kNeighbourCount];
  std::vector<uint32_t>& neighbour_item = state->integers[kNeighbourItem];
  std::vector<float>& neighbour_weight = state->floats[kNeighbourWeight];
  const model::NeighbourLists& lists = neighbours_.lists();
  for (uint32_t item = 0; item < lists.size(); ++item) {
    const auto list = lists.Of(item);
    neighbour_count.push_back(static_cast<uint32_t>(list.size()));
    for (const model::Neighbour& neighbour : list) {
      neighbour_item.push_back(neighbour.item);
      neighbour_weight.push_back(neighbour.weight);
    }
  }
  std::vector<double>& figures = state->doubles["figures"];
  figures.resize(kFigures);
  figures[kDim] = static_cast<double>(learner_->dim());
  figures[kWarmPasses] = warm_passes_;
  figures[kUsersStarted] = static_cast<double>(users_started_);
  figures[kItemsStarted] = static_cast<double>(items_started_);
  figures[kHasModel] = has_model_ ? 1.0 : 0.0;
  figures[kEpochs] = epochs_;
  figures[kVisits] = visits_;
  figures[kLoss] = loss_;
  figures[kTau0] = tau0_;
  figures[kTau0Eq13] = tau0_eq13_;
  figures[kMeanLoss] = mean_loss_;
  figures[kAdaptedEpochs] = adapted_epochs_;
  figures[kMomentsMean] = moments_.mean;
  figures[kMomentsVariance] = moments_.variance;
  figures[kPositiveMean] = moments_.positive_mean;
  figures[kPositiveVariance] = moments_.positive_variance;
  return state;
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
  state->longs[kHeldAsked] = {held_.offered(), held_asked_, held_asked_at_};
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

// REQUIRES: CheckHeldAndMarks found nothing.
void OnlineFit::ImportHeldAndMarks(const model::TrainingState& state) {
  Lookup lookup(state);
  if (!lookup.HasLongs(kHeldAsked) || !lookup.HasLongs(kYoungMarkSequence)) {
    return;
  }
  const std::vector<uint64_t>& asked = lookup.Longs(kHeldAsked);
  held_.Assign(HeldPairsOf(&lookup), asked[0]);
  held_asked_ = std::min<size_t>(asked[1], kTimesHeldIsAsked - 1);
  held_asked_at_ =
      static_cast<uint32_t>(std::min<uint64_t>(asked[2], pairs_.size()));
  const std::vector<uint32_t>& mark_pairs = lookup.Integers(kYoungMarkPairs);
  const std::vector<uint64_t>& sequences = lookup.Longs(kYoungMarkSequence);
  for (size_t m = 0; m < mark_pairs.size(); ++m) {
    young_marks_.push_back({mark_pairs[m], sequences[m]});
  }
  const std::vector<uint32_t>& late = lookup.Integers(kLatePair);
  const std::vector<uint64_t>& before = lookup.Longs(kLateBefore);
  for (size_t k = 0; k < late.size(); ++k) late_pairs_[late[k]] = before[k];
}

absl::Status OnlineFit::Import(const model::TrainingState& state) {
  Lookup lookup(state);
  absl::Status status = CheckTrainingState(
      state, learner_->dim(), PositivePairs::kRemoved, PositivePairs::kRemoved);
  if (!status.ok()) return status;
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const bool users = side == Side::kUsers;
    const std::string name = users ? "users" : "items";
    learner_->Import(
        side,
        {lookup.Floats(name + "/values"), lookup.Floats(name + "/moment1"),
         lookup.Floats(name + "/moment2"), lookup.Integers(name + "/updates")});
    (users ? user_learnt_ : item_learnt_) = lookup.Integers(name + "/learnt");
    (users ? user_visits_ : item_visits_) = lookup.Floats(name + "/visits");
    (users ? user_rate_ : item_rate_) = lookup.Floats(name + "/rate");
    RowRenewal& renewal = users ? user_renewal_ : item_renewal_;
    renewal.Grow(learner_->rows(side));
    const auto owed = state.integers.find(OwedBy(name));
    if (owed != state.integers.end()) renewal.Assign(owed->second);
  }
  user_loss_ = lookup.Floats("users/loss");
  pairs_.Assign(lookup.Integers("pairs/user"), lookup.Integers("pairs/item"),
                lookup.Floats("pairs/weight"), lookup.Integers("present"));
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
  neighbours_.Begin(pairs_, NeighboursOf(&lookup));
  sampler_.Import(SamplerState(state, &lookup));
  negatives_.Assign(lookup.Integers("negatives"),
                    lookup.Text("negatives/random"));
  RandomFromText(lookup.Text("random"), &random_);
  const std::vector<uint32_t>& mark_pairs = lookup.Integers("marks/pairs");
  const std::vector<uint64_t>& sequences = lookup.Longs("marks/sequence");
  for (size_t m = 0; m < mark_pairs.size(); ++m) {
    marks_.push_back({mark_pairs[m], sequences[m]});
  }
  absorbed_through_ = state.absorbed_through;
  const std::vector<uint64_t>& counters = lookup.Longs("counters");
  trained_through_ = counters[kTrainedThrough];
  warm_through_ = counters[kWarmThrough];
  steps_ = counters[kSteps];
  positives_ = counters[kPositives];
  adapted_steps_ = counters[kAdaptedSteps];
  contained_ = counters[kContained];
  const std::vector<double>& figures = lookup.Doubles("figures");
  warm_passes_ = figures[kWarmPasses];
  users_started_ = static_cast<size_t>(figures[kUsersStarted]);
  items_started_ = static_cast<size_t>(figures[kItemsStarted]);
  has_model_ = figures[kHasModel] != 0;
  epochs_ = figures[kEpochs];
  visits_ = figures[kVisits];
  loss_ = figures[kLoss];
  tau0_ = figures[kTau0];
  tau0_eq13_ = figures[kTau0Eq13];
  mean_loss_ = figures[kMeanLoss];
  adapted_epochs_ = figures[kAdaptedEpochs];
  moments_.mean = figures[kMomentsMean];
  moments_.variance = figures[kMomentsVariance];
  moments_.positive_mean = figures[kPositiveMean];
  moments_.positive_variance = figures[kPositiveVariance];
  return absl::OkStatus();
}

void OnlineFit::Forget(const std::vector<uint32_t>& users,
                       const std::vector<uint32_t>& items) {
  const absl::flat_hash_set<uint32_t> gone_users(users.begin(), users.end());
  const absl::flat_hash_set<uint32_t> gone_items(items.begin(), items.end());
  // Those of the open window among them: they have been counted.
  const std::vector<bool> visited = sampler_.Visited();
  pairs_.Remove(gone_users, gone_items, [&](uint32_t pair) {
    if (!visited[pair]) return;
    uint32_t& of_user = user_learnt_[pairs_.user(pair)];
    uint32_t& of_item = item_learnt_[pairs_.item(pair)];
    if (of_user > 0) --of_user;
    if (of_item > 0) --of_item;
  });
  negatives_.Remove(gone_items);
  held_.Forget(gone_users, gone_items);
  neighbours_.Forget(gone_users, gone_items, pairs_);
  recent_known_ = false;
  const std::vector<float> zero(static_cast<size_t>(learner_->dim()), 0.0f);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const bool is_user = side == Side::kUsers;
    const auto& gone = is_user ? gone_users : gone_items;
    std::vector<uint32_t>& counts = is_user ? user_learnt_ : item_learnt_;
    for (const uint32_t row : gone) {
      if (row >= learner_->rows(side)) continue;
      std::vector<float> values(zero.size());
      learner_->GetRows(side, {row}, values.data());
      size_t& started = is_user ? users_started_ : items_started_;
      if (values != zero && started > 0) --started;
      learner_->SetRows(side, {row}, zero.data());
      counts[row] = 0;
      (is_user ? user_visits_ : item_visits_)[row] = 0;
      (is_user ? user_renewal_ : item_renewal_).Forget(row);
      if (is_user) user_loss_[row] = 0;
    }
  }
}

}  // namespace taud::trainer
