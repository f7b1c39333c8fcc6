#include "lab/neighbour_trials.h"

#include <algorithm>
#include <cmath>

#include "lab/slice_trial.h"

namespace taud::lab {
namespace {

SliceTrial AsTrial(const NeighbourTrial& trial) {
  return {double{trial.weights.weight}, trial.recall, trial.ndcg};
}

bool Same(double a, double b) { return std::abs(a - b) < 1e-6; }

}  // namespace

std::optional<query::NeighbourWeights> NextNeighbourWeights(
    const std::vector<NeighbourTrial>& trials) {
  if (trials.empty()) return query::NeighbourWeights{};
  for (const double power : kNeighbourPowers) {
    std::vector<SliceTrial> of_power = {AsTrial(trials.front())};
    for (const NeighbourTrial& trial : trials) {
      if (trial.weights.weight > 0 &&
          Same(double{trial.weights.power}, power)) {
        of_power.push_back(AsTrial(trial));
      }
    }
    const size_t done = of_power.size() - 1;
    if (done == kNeighbourWeights.size()) continue;
    // The first is tried whatever it may be.
    if (done > 0 && !GoesOnTrying(of_power)) continue;
    return query::NeighbourWeights{static_cast<float>(kNeighbourWeights[done]),
                                   static_cast<float>(power)};
  }
  return std::nullopt;
}

query::NeighbourWeights ChooseNeighbourWeights(
    const std::vector<NeighbourTrial>& trials) {
  double best = 0;
  for (const NeighbourTrial& trial : trials) {
    best = std::max(best, Merit(AsTrial(trial)));
  }
  const NeighbourTrial* chosen = nullptr;
  const auto before = [](const NeighbourTrial& a, const NeighbourTrial& b) {
    if (!Same(double{a.weights.weight}, double{b.weights.weight})) {
      return a.weights.weight < b.weights.weight;
    }
    return Merit(AsTrial(a)) > Merit(AsTrial(b));
  };
  for (const NeighbourTrial& trial : trials) {
    if (Merit(AsTrial(trial)) < kAsGood * best) continue;
    if (chosen == nullptr || before(trial, *chosen)) chosen = &trial;
  }
  return chosen == nullptr ? query::NeighbourWeights{} : chosen->weights;
}

}  // namespace taud::lab
