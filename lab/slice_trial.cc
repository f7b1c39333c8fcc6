#include "lab/slice_trial.h"

#include <algorithm>
#include <cmath>

namespace taud::lab {

double Merit(const SliceTrial& trial) {
  return std::sqrt(trial.recall * trial.ndcg);
}

double BestMerit(const std::vector<SliceTrial>& trials) {
  double best = 0;
  for (const SliceTrial& trial : trials) best = std::max(best, Merit(trial));
  return best;
}

size_t BestTrial(const std::vector<SliceTrial>& trials) {
  const auto best =
      std::max_element(trials.begin(), trials.end(),
                       [](const SliceTrial& a, const SliceTrial& b) {
                         return Merit(a) < Merit(b);
                       });
  return static_cast<size_t>(best - trials.begin());
}

bool LastIsSurelyWorse(const std::vector<SliceTrial>& trials, double share) {
  return !trials.empty() && Merit(trials.back()) < share * BestMerit(trials);
}

bool GoesOnTrying(const std::vector<SliceTrial>& trials) {
  return !LastIsSurelyWorse(trials, kSurelyWorseRanking);
}

}  // namespace taud::lab
