#include "query/query_weight_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/types/span.h"

namespace taud::query {
namespace {

size_t Nearest(absl::Span<const float> values, float wanted) {
  return static_cast<size_t>(std::min_element(values.begin(), values.end(),
                                              [&](float a, float b) {
                                                return std::abs(a - wanted) <
                                                       std::abs(b - wanted);
                                              }) -
                             values.begin());
}

}  // namespace

QueryWeights WeightsAt(size_t pair) {
  return {kRecentWeights[pair / kPriors.size()],
          kPriors[pair % kPriors.size()]};
}

WeightChoice MakeQueryWeightChoice() {
  std::vector<size_t> order(kWeightPairs);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [](size_t a, size_t b) {
    const QueryWeights of_a = WeightsAt(a);
    const QueryWeights of_b = WeightsAt(b);
    return std::make_pair(of_a.prior, of_a.recent) <
           std::make_pair(of_b.prior, of_b.recent);
  });
  return WeightChoice(std::move(order), WeightChoice::Rule::kLeastAsGood);
}

size_t PairNearest(const QueryWeights& weights) {
  return Nearest(kRecentWeights, weights.recent) * kPriors.size() +
         Nearest(kPriors, weights.prior);
}

WeightChoice MakeNeighbourChoice() {
  std::vector<size_t> order(kNeighbourWays.size());
  std::iota(order.begin(), order.end(), size_t{0});
  return WeightChoice(std::move(order), WeightChoice::Rule::kMostBelievable);
}

size_t NeighbourWayNearest(const NeighbourWeights& weights) {
  const auto distance = [&](const NeighbourWeights& way) {
    return std::make_pair(std::abs(way.weight - weights.weight),
                          std::abs(way.power - weights.power));
  };
  return static_cast<size_t>(
      std::min_element(
          kNeighbourWays.begin(), kNeighbourWays.end(),
          [&](const NeighbourWeights& a, const NeighbourWeights& b) {
            return distance(a) < distance(b);
          }) -
      kNeighbourWays.begin());
}

}  // namespace taud::query
