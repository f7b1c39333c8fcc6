#include "lab/slice_trial.h"

#include <algorithm>
#include <cmath>

namespace taud::lab {
namespace {

constexpr double kSurelyWorse = 0.98;

}  // namespace

double Merit(const SliceTrial& trial) {
  return std::sqrt(trial.recall * trial.ndcg);
}

double BestMerit(const std::vector<SliceTrial>& trials) {
  double best = 0;
  for (const SliceTrial& trial : trials) best = std::max(best, Merit(trial));
  return best;
}

bool GoesOnTrying(const std::vector<SliceTrial>& trials) {
  return trials.empty() ||
         Merit(trials.back()) >= kSurelyWorse * BestMerit(trials);
}

}  // namespace taud::lab
