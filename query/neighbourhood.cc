#include "query/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "query/magnitude_counts.h"

namespace taud::query {
namespace {

// The sum of an item that the history has: whatever is added, it stays below 0.
constexpr float kOwn = -std::numeric_limits<float>::max();

float Metric(const model::Snapshot& snapshot, const char* name, float most) {
  const auto found = snapshot.metrics.find(name);
  if (found == snapshot.metrics.end() || !std::isfinite(found->second)) {
    return 0;
  }
  return static_cast<float>(std::clamp(found->second, 0.0, double{most}));
}

// The mean of the kNormalisers greatest of `values`, all > 0; 0 without any.
double MeanOfGreatest(absl::Span<const float> values,
                      std::vector<float>* boundary) {
  if (values.empty()) return 0;
  MagnitudeCounts counts;
  for (const float value : values) counts.Add(value);
  const size_t most = std::min(kNormalisers, values.size());
  size_t above = 0;
  const uint32_t last = counts.Reaching(most, &above);
  double sum = 0;
  boundary->clear();
  for (const float value : values) {
    const uint32_t magnitude = MagnitudeCounts::Of(value);
    if (magnitude < last) continue;
    if (magnitude > last) {
      sum += double{value};
    } else {
      boundary->push_back(value);
    }
  }
  const auto end =
      boundary->begin() + static_cast<std::ptrdiff_t>(most - above);
  std::nth_element(boundary->begin(), end - 1, boundary->end(),
                   std::greater<float>());
  return std::accumulate(boundary->begin(), end, sum) /
         static_cast<double>(most);
}

// Brings a list near that will be read soon.
void Prefetch(absl::Span<const model::Neighbour> list) {
  const auto* const bytes = reinterpret_cast<const char*>(list.data());
  for (size_t at = 0; at < list.size() * sizeof(list[0]); at += 64) {
    __builtin_prefetch(bytes + at);
  }
}

// An item's list and what its weights are multiplied by.
struct Saying {
  absl::Span<const model::Neighbour> list;
  float scale = 0;
};

// Those of the history's latest that say something.
absl::InlinedVector<Saying, 64> SayingsOf(
    const model::NeighbourLists& lists, const std::vector<uint32_t>& popularity,
    absl::Span<const model::ItemIndex> history) {
  absl::InlinedVector<Saying, 64> sayings;
  for (const model::ItemIndex item :
       history.subspan(0, kMostNeighbourhoodItems)) {
    if (item >= popularity.size() || popularity[item] == 0) continue;
    const float scale = 1 / std::sqrt(static_cast<float>(popularity[item]));
    sayings.push_back({lists.Of(item), scale});
  }
  return sayings;
}

// Room for all that `sayings` may name of `items`: between here and the last
// sum taken out again nothing may throw, or the next user would have the sums.
void MakeRoom(absl::Span<const Saying> sayings, size_t items,
              NeighbourScratch* scratch) {
  size_t most = 0;
  for (const Saying& saying : sayings) most += saying.list.size();
  if (scratch->sums.size() < items) scratch->sums.resize(items, 0.0f);
  // One more, which is written without asking whether it counts.
  if (scratch->touched.size() <= most) scratch->touched.resize(most + 1);
  if (scratch->values.size() < most) scratch->values.resize(most);
}

// Adds them up and lists in `touched` what they name of `items`, each once but
// what the history has; returns how many.
size_t AddUp(absl::Span<const Saying> sayings, size_t items,
             NeighbourScratch* scratch) {
  float* const sums = scratch->sums.data();
  model::ItemIndex* const touched = scratch->touched.data();
  size_t count = 0;
  for (size_t s = 0; s < sayings.size(); ++s) {
    // Two lists ahead: memory takes about as long as two are added up.
    if (s + 2 < sayings.size()) Prefetch(sayings[s + 2].list);
    const float scale = sayings[s].scale;
    for (const model::Neighbour& neighbour : sayings[s].list) {
      if (neighbour.item >= items) continue;
      const float sum = sums[neighbour.item];
      touched[count] = neighbour.item;
      count += sum == 0 ? 1 : 0;
      sums[neighbour.item] = sum + neighbour.weight * scale;
    }
  }
  return count;
}

}  // namespace

NeighbourWeights NeighbourWeightsOf(const model::Snapshot& snapshot) {
  if (snapshot.neighbours.size() == 0) return {};
  return {Metric(snapshot, kNeighbourWeightMetric, kMaxNeighbourWeight),
          Metric(snapshot, kNeighbourPowerMetric, kMaxNeighbourPower)};
}

double MeanPopularity(const std::vector<uint32_t>& popularity) {
  double sum = 0;
  size_t counted = 0;
  for (const uint32_t users : popularity) {
    if (users == 0) continue;
    sum += users;
    ++counted;
  }
  return counted == 0 ? 1 : sum / static_cast<double>(counted);
}

float PopularityFactor(uint32_t users, double mean, float power) {
  if (power == 0) return 1;
  return static_cast<float>(std::pow(users / mean, double{power}));
}

void FindStrengths(const model::NeighbourLists& lists,
                   const std::vector<uint32_t>& popularity,
                   absl::Span<const model::ItemIndex> history,
                   NeighbourScratch* scratch,
                   std::vector<NeighbourStrength>* strengths) {
  strengths->clear();
  const size_t items = popularity.size();
  const auto sayings = SayingsOf(lists, popularity, history);
  MakeRoom(sayings, items, scratch);
  std::vector<float>& sums = scratch->sums;
  for (const model::ItemIndex item : history) {
    if (item < items) sums[item] = kOwn;
  }
  const size_t count = AddUp(sayings, items, scratch);
  for (const model::ItemIndex item : history) {
    if (item < items) sums[item] = 0;
  }
  for (size_t k = 0; k < count; ++k) {
    scratch->values[k] = std::exchange(sums[scratch->touched[k]], 0.0f);
  }
  const double mean =
      MeanOfGreatest(absl::MakeConstSpan(scratch->values).subspan(0, count),
                     &scratch->greatest);
  const auto scale = static_cast<float>(mean > 0 ? 1 / mean : 0);
  strengths->resize(count);
  size_t kept = 0;
  for (size_t k = 0; k < count; ++k) {
    NeighbourStrength& one = (*strengths)[kept];
    one.item = scratch->touched[k];
    one.strength = std::min(scratch->values[k] * scale, kMostStrength);
    kept += one.strength > 0 ? 1 : 0;
  }
  strengths->resize(kept);
}

}  // namespace taud::query
