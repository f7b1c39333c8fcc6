#include "trainer/online/fit_state.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/interactions.h"
#include "query/query_weight_choice.h"
#include "trainer/online/fit_state_reader.h"
#include "trainer/sampling/positive_pairs.h"
#include "trainer/sampling/random_text.h"
#include "trainer/temperature/held_temperature.h"

namespace taud::trainer {
namespace {

constexpr double kNormTolerance = 1e-3;

void CheckSide(const std::string& side, size_t dim, uint64_t known,
               FitStateReader* reader) {
  const size_t rows = reader->Integers(side + "/updates").size();
  if (rows > known) {
    reader->Fail(DamagedState(
        side,
        absl::StrCat("has ", rows, " rows, the log has ids for ", known)));
    return;
  }
  reader->Sized(reader->Integers(side + "/learnt"), side + "/learnt", rows);
  if (reader->HasIntegers(OwedBy(side))) {
    reader->Sized(reader->Integers(OwedBy(side)), OwedBy(side), rows);
  }
  for (const char* name : {"/visits", "/rate"}) {
    const auto& values =
        reader->Sized(reader->Floats(side + name), side + name, rows);
    if (!AllFinite(values))
      reader->Fail(DamagedState(side + name, "is not finite"));
  }
  for (const char* name : {"/values", "/moment1", "/moment2"}) {
    const auto& values =
        reader->Sized(reader->Floats(side + name), side + name, rows * dim);
    if (!AllFinite(values))
      reader->Fail(DamagedState(side + name, "is not finite"));
  }
  if (!reader->status().ok()) return;
  const std::vector<float>& values = reader->Floats(side + "/values");
  const std::vector<uint32_t>& learnt = reader->Integers(side + "/learnt");
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (size_t c = 0; c < dim; ++c) {
      sum += double{values[row * dim + c]} * values[row * dim + c];
    }
    const bool unit = std::abs(std::sqrt(sum) - 1) <= kNormTolerance;
    if (unit || (sum == 0 && learnt[row] == 0)) continue;
    reader->Fail(
        DamagedState(side + "/values",
                     absl::StrCat("row ", row, " has norm ", std::sqrt(sum))));
    return;
  }
  const std::vector<float>& squares = reader->Floats(side + "/moment2");
  if (std::any_of(squares.begin(), squares.end(),
                  [](float x) { return x < 0; })) {
    reader->Fail(DamagedState(side + "/moment2", "is negative"));
  }
}

void CheckPairs(FitStateReader* reader) {
  const std::vector<uint32_t>& users = reader->Integers("pairs/user");
  const auto& items =
      reader->Sized(reader->Integers("pairs/item"), "pairs/item", users.size());
  const auto& weights = reader->Sized(reader->Floats("pairs/weight"),
                                      "pairs/weight", users.size());
  const auto& present = reader->Integers("present");
  const std::vector<uint32_t>& negatives = reader->Integers("negatives");
  if (!reader->status().ok()) return;
  const size_t num_users = reader->Integers("users/updates").size();
  const size_t num_items = reader->Integers("items/updates").size();
  const absl::flat_hash_set<uint32_t> known(present.begin(), present.end());
  if (known.size() != present.size()) {
    reader->Fail(DamagedState("present", "has an item twice"));
  }
  absl::flat_hash_set<uint32_t> drawn;
  for (const uint32_t item : negatives) {
    if (!known.contains(item) || !drawn.insert(item).second) {
      reader->Fail(
          DamagedState("negatives", "are not distinct items that are present"));
      return;
    }
  }
  for (const uint32_t item : present) {
    if (item >= num_items)
      reader->Fail(DamagedState("present", "is out of range"));
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
    reader->Fail(
        DamagedState("pairs", absl::StrCat("number ", pair, " is bad")));
    return;
  }
}

void CheckHeldAndMarks(FitStateReader* reader) {
  HeldPairsOf(reader);
  NeighboursOf(reader);
  StaleNeighboursOf(reader);
  if (!reader->HasLongs(kYoungMarkSequence)) return;
  reader->Sized(reader->Longs(kYoungMarkSequence), kYoungMarkSequence,
                reader->Integers(kYoungMarkPairs).size());
  reader->Sized(reader->Longs(kLateBefore), kLateBefore,
                reader->Integers(kLatePair).size());
  if (!reader->status().ok()) return;
  const std::vector<uint32_t>& marks = reader->Integers(kYoungMarkPairs);
  if (!std::is_sorted(marks.begin(), marks.end())) {
    reader->Fail(DamagedState(kYoungMarkPairs, "are not in order"));
  }
  const size_t pairs = reader->Integers("pairs/user").size();
  for (const uint32_t pair : reader->Integers(kLatePair)) {
    if (pair >= pairs) reader->Fail(DamagedState(kLatePair, "is out of range"));
  }
}

bool IsTau0Factor(const std::vector<double>& figures) {
  return figures.size() == 2 && figures[0] >= kLeastTau0Factor &&
         figures[0] <= kMostTau0Factor && figures[1] >= 0;
}

}  // namespace

absl::Status CheckTrainingState(const model::TrainingState& state, int dim,
                                uint64_t num_users, uint64_t num_items) {
  FitStateReader reader(state);
  const auto& figures =
      reader.Sized(reader.Doubles("figures"), "figures", StateFigure::kCount);
  if (!reader.status().ok()) return reader.status();
  if (figures[StateFigure::kDim] != dim) {
    return absl::InvalidArgumentError(
        absl::StrCat("training state has dimension ",
                     figures[StateFigure::kDim], ", trainer.dim is ", dim));
  }
  for (const double figure : figures) {
    if (!std::isfinite(figure))
      reader.Fail(DamagedState("figures", "is not finite"));
  }
  CheckSide("users", static_cast<size_t>(dim), num_users, &reader);
  CheckSide("items", static_cast<size_t>(dim), num_items, &reader);
  const auto& loss = reader.Sized(reader.Floats("users/loss"), "users/loss",
                                  reader.Integers("users/updates").size());
  if (!AllFinite(loss))
    reader.Fail(DamagedState("users/loss", "is not finite"));
  CheckPairs(&reader);
  reader.Sized(reader.Longs("marks/sequence"), "marks/sequence",
               reader.Integers("marks/pairs").size());
  CheckHeldAndMarks(&reader);
  const PairSampler::State sampler = SamplerState(state, &reader);
  if (reader.status().ok() && !PairSampler(0).Import(sampler)) {
    reader.Fail(DamagedState("sampler", "is not a state of it"));
  }
  const auto query_weights = state.doubles.find(kQueryWeights);
  if (query_weights != state.doubles.end() &&
      !query::MakeQueryWeightChoice().Assign(query_weights->second)) {
    reader.Fail(DamagedState(kQueryWeights, "is not a state of it"));
  }
  const auto neighbour_weights = state.doubles.find(kNeighbourWeights);
  if (neighbour_weights != state.doubles.end() &&
      !query::MakeNeighbourChoice().Assign(neighbour_weights->second)) {
    reader.Fail(DamagedState(kNeighbourWeights, "is not a state of it"));
  }
  const auto factor = state.doubles.find(kTau0Factor);
  if (factor != state.doubles.end() && !IsTau0Factor(factor->second)) {
    reader.Fail(DamagedState(
        kTau0Factor, absl::StrCat("is not a factor from ", kLeastTau0Factor,
                                  " to ", kMostTau0Factor, " and an age")));
  }
  if (figures[StateFigure::kTau0] < 0) {
    reader.Fail(DamagedState("figures", "has a temperature below 0"));
  }
  std::mt19937_64 random;
  for (const char* name : {"random", "negatives/random"}) {
    if (!RandomFromText(reader.Text(name), &random)) {
      reader.Fail(DamagedState(name, "is not a random state"));
    }
  }
  return reader.status();
}

}  // namespace taud::trainer
