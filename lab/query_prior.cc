#include "lab/query_prior.h"

namespace taud::lab {

double ChoosePrior(const std::vector<SliceTrial>& trials) {
  const double enough = kAsGood * BestMerit(trials);
  for (const SliceTrial& trial : trials) {
    if (Merit(trial) >= enough) return trial.value;
  }
  return 0;
}

}  // namespace taud::lab
