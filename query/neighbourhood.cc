#include "query/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace taud::query {
namespace {

// Stands for an item that the history has.
constexpr float kOwn = -1;

float Metric(const model::Snapshot& snapshot, const char* name, float most) {
  const auto found = snapshot.metrics.find(name);
  if (found == snapshot.metrics.end() || !std::isfinite(found->second)) {
    return 0;
  }
  return static_cast<float>(std::clamp(found->second, 0.0, double{most}));
}

// Of the kNormalisers greatest sums; 0 without any.
double MeanOfGreatest(NeighbourScratch* scratch) {
  std::vector<float>& greatest = scratch->greatest;
  greatest.clear();
  for (const model::ItemIndex item : scratch->touched) {
    greatest.push_back(scratch->sums[item]);
  }
  const size_t most = std::min(kNormalisers, greatest.size());
  if (most < greatest.size()) {
    std::nth_element(greatest.begin(),
                     greatest.begin() + static_cast<std::ptrdiff_t>(most),
                     greatest.end(), std::greater<float>());
  }
  double sum = 0;
  for (size_t k = 0; k < most; ++k) sum += double{greatest[k]};
  return most == 0 ? 0 : sum / static_cast<double>(most);
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
  std::vector<float>& sums = scratch->sums;
  if (sums.size() < popularity.size()) sums.resize(popularity.size(), 0.0f);
  const size_t items = popularity.size();
  for (const model::ItemIndex item : history) {
    if (item < items) sums[item] = kOwn;
  }
  for (const model::ItemIndex item :
       history.subspan(0, kMostNeighbourhoodItems)) {
    if (item >= items || popularity[item] == 0) continue;
    const float scale = 1 / std::sqrt(static_cast<float>(popularity[item]));
    for (const model::Neighbour& neighbour : lists.Of(item)) {
      if (neighbour.item >= items) continue;
      float& sum = sums[neighbour.item];
      if (sum < 0) continue;
      if (sum == 0) scratch->touched.push_back(neighbour.item);
      sum += neighbour.weight * scale;
    }
  }
  for (const model::ItemIndex item : history) {
    if (item < items) sums[item] = 0;
  }
  const double mean = MeanOfGreatest(scratch);
  const auto scale = static_cast<float>(mean > 0 ? 1 / mean : 0);
  strengths->reserve(scratch->touched.size());
  for (const model::ItemIndex item : scratch->touched) {
    const float strength = std::exchange(sums[item], 0.0f) * scale;
    if (strength > 0) strengths->push_back({item, strength});
  }
  scratch->touched.clear();
}

}  // namespace taud::query
