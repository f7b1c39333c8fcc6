#include "lab/tau0_trials.h"

#include <algorithm>
#include <cmath>

namespace taud::lab {

std::optional<double> NextTau0Factor(const std::vector<SliceTrial>& trials) {
  if (trials.empty()) return 1.0;
  if (trials.size() == 1) {
    if (Merit(trials.front()) == 0) return std::nullopt;
    return kTau0Step;
  }
  if (trials.size() >= kMostTau0Trials) return std::nullopt;
  const bool up = Merit(trials[1]) > Merit(trials[0]);
  if (!up && trials.size() == 2) return 1 / kTau0Step;
  // The one before it, in the direction in which the search goes.
  const SliceTrial& before =
      !up && trials.size() == 3 ? trials[0] : trials.end()[-2];
  if (Merit(trials.back()) <= Merit(before)) return std::nullopt;
  return up ? trials.back().value * kTau0Step : trials.back().value / kTau0Step;
}

double ChooseTau0Factor(const std::vector<SliceTrial>& trials) {
  std::vector<SliceTrial> by_log = trials;
  for (SliceTrial& trial : by_log) trial.value = std::log(trial.value);
  std::sort(by_log.begin(), by_log.end(),
            [](const SliceTrial& a, const SliceTrial& b) {
              return a.value < b.value;
            });
  const size_t best = BestTrial(by_log);
  const bool has_both = best > 0 && best + 1 < by_log.size();
  const double found =
      has_both ? HighestPoint(by_log[best - 1], by_log[best], by_log[best + 1])
               : by_log[best].value;
  return std::round(std::exp(found) * 100) / 100;
}

}  // namespace taud::lab
