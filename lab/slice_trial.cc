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

double HighestPoint(const SliceTrial& left, const SliceTrial& centre,
                    const SliceTrial& right) {
  // The slopes of the two chords; the vertex is where a line through them, each
  // at the middle of its chord, is zero.
  const double rise =
      (Merit(centre) - Merit(left)) / (centre.value - left.value);
  const double fall =
      (Merit(right) - Merit(centre)) / (right.value - centre.value);
  if (rise <= fall) {
    const std::vector<SliceTrial> trials = {left, centre, right};
    return trials[BestTrial(trials)].value;
  }
  const double from = (left.value + centre.value) / 2;
  const double to = (centre.value + right.value) / 2;
  const double vertex = from + (to - from) * rise / (rise - fall);
  return std::clamp(vertex, left.value, right.value);
}

bool LastIsSurelyWorse(const std::vector<SliceTrial>& trials, double share) {
  return !trials.empty() && Merit(trials.back()) < share * BestMerit(trials);
}

bool GoesOnTrying(const std::vector<SliceTrial>& trials) {
  return !LastIsSurelyWorse(trials, kSurelyWorseRanking);
}

}  // namespace taud::lab
