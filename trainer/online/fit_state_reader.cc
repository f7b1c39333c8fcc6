#include "trainer/online/fit_state_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "model/interactions.h"

namespace taud::trainer {

absl::Status DamagedState(absl::string_view name, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("training state: ", name, " ", why));
}

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float x) { return std::isfinite(x); });
}

PairSampler::State SamplerState(const model::TrainingState& state,
                                FitStateReader* reader) {
  PairSampler::State sampler;
  const auto& counters = reader->Sized(reader->Longs("counters"), "counters",
                                       StateCounter::kCount);
  if (!reader->status().ok()) return sampler;
  sampler.size = static_cast<uint32_t>(reader->Integers("pairs/user").size());
  sampler.window_begin =
      static_cast<uint32_t>(counters[StateCounter::kWindowBegin]);
  sampler.window_end =
      static_cast<uint32_t>(counters[StateCounter::kWindowEnd]);
  sampler.window = reader->Integers("sampler/window");
  sampler.young = reader->Integers("sampler/young");
  sampler.young_visits = reader->Integers("sampler/visits");
  sampler.random = reader->Text("sampler/random");
  const auto turn = state.longs.find(kSamplerTurn);
  if (turn != state.longs.end()) {
    const auto& of_turn =
        reader->Sized(turn->second, kSamplerTurn, kSamplerTurnFigures);
    if (!reader->status().ok()) return sampler;
    const auto narrow = [](uint64_t value) {
      return static_cast<uint32_t>(std::min<uint64_t>(value, ~uint32_t{0}));
    };
    sampler.turn_size = narrow(of_turn[0]);
    sampler.turn_next = narrow(of_turn[1]);
    sampler.turn_key = of_turn[2];
  }
  return sampler;
}

std::vector<HeldPair> HeldPairsOf(FitStateReader* reader) {
  std::vector<HeldPair> held;
  if (!reader->HasLongs(kHeldAsked)) return held;
  reader->Sized(reader->Longs(kHeldAsked), kHeldAsked, kHeldAskedFigures);
  const auto& users = reader->Integers(kHeldUser);
  const size_t n = users.size();
  const auto& items = reader->Sized(reader->Integers(kHeldItem), kHeldItem, n);
  const auto& weights =
      reader->Sized(reader->Floats(kHeldWeight), kHeldWeight, n);
  const auto& sequences =
      reader->Sized(reader->Longs(kHeldSequence), kHeldSequence, n);
  const auto& counts =
      reader->Sized(reader->Integers(kHeldRecentCount), kHeldRecentCount, n);
  const auto& recent = reader->Integers(kHeldRecentItem);
  const auto& seconds = reader->Sized(reader->Integers(kHeldRecentSecond),
                                      kHeldRecentSecond, recent.size());
  if (!reader->status().ok()) return held;
  const size_t num_users = reader->Integers("users/updates").size();
  const size_t num_items = reader->Integers("items/updates").size();
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
      reader->Fail(DamagedState("held", absl::StrCat("number ", h, " is bad")));
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

model::NeighbourLists NeighboursOf(FitStateReader* reader) {
  model::NeighbourLists lists;
  if (!reader->HasIntegers(kNeighbourCount)) return lists;
  const auto& counts = reader->Integers(kNeighbourCount);
  const auto& items = reader->Integers(kNeighbourItem);
  const auto& weights = reader->Sized(reader->Floats(kNeighbourWeight),
                                      kNeighbourWeight, items.size());
  const size_t rows = reader->Integers("items/updates").size();
  if (!reader->status().ok()) return lists;
  if (!AllFinite(weights) || counts.size() > rows ||
      std::any_of(weights.begin(), weights.end(),
                  [](float weight) { return weight <= 0; }) ||
      std::any_of(items.begin(), items.end(),
                  [rows](uint32_t item) { return item >= rows; })) {
    reader->Fail(DamagedState("neighbours", "are out of range"));
    return lists;
  }
  lists.Grow(counts.size());
  size_t next = 0;
  for (uint32_t item = 0; item < counts.size(); ++item) {
    if (counts[item] > items.size() - next) {
      reader->Fail(DamagedState(kNeighbourCount, "are more than there are"));
      return {};
    }
    model::NeighbourList list;
    for (uint32_t k = 0; k < counts[item]; ++k, ++next) {
      list.push_back({items[next], weights[next]});
    }
    lists.Set(item, std::move(list));
  }
  if (next < items.size()) {
    reader->Fail(DamagedState(kNeighbourCount, "are less than there are"));
  }
  return lists;
}

std::vector<uint32_t> StaleNeighboursOf(FitStateReader* reader) {
  if (!reader->HasIntegers(kNeighbourStale)) return {};
  const auto& stale = reader->Integers(kNeighbourStale);
  const size_t rows = reader->Integers("items/updates").size();
  if (std::any_of(stale.begin(), stale.end(),
                  [rows](uint32_t item) { return item >= rows; })) {
    reader->Fail(DamagedState(kNeighbourStale, "is out of range"));
    return {};
  }
  return stale;
}

}  // namespace taud::trainer
