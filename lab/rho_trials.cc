#include "lab/rho_trials.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace taud::lab {
namespace {

constexpr double kStep = 0.1;

}  // namespace

std::optional<double> NextRho(const std::vector<SliceTrial>& trials) {
  if (trials.size() >= kMostTrials) return std::nullopt;
  const size_t best = BestTrial(trials);
  const bool is_past = best > 0 && best + 1 < trials.size();
  const bool says_nothing = Merit(trials[best]) == 0;
  if (is_past || says_nothing || LastIsSurelyWorse(trials, kSurelyWorseFit)) {
    return std::nullopt;
  }
  return std::round((trials.back().value + kStep) * 100) / 100;
}

double ChooseRho(const std::vector<SliceTrial>& trials) {
  const size_t best = BestTrial(trials);
  const size_t middle = std::max<size_t>(best, 1);
  if (middle + 1 >= trials.size()) return trials[best].value;
  return std::round(HighestPoint(trials[middle - 1], trials[middle],
                                 trials[middle + 1]) *
                    100) /
         100;
}

}  // namespace taud::lab
