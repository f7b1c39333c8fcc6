#include "lab/beta_trials.h"

namespace taud::lab {
namespace {

bool LastIsWorthIt(const std::vector<SliceTrial>& trials) {
  return trials.size() < 2 ||
         kAsGood * Merit(trials.back()) > Merit(trials.end()[-2]);
}

}  // namespace

std::optional<double> NextBeta(const std::vector<SliceTrial>& trials) {
  if (trials.size() == kBetas.size() || !LastIsWorthIt(trials)) {
    return std::nullopt;
  }
  return kBetas[trials.size()];
}

size_t ChooseBeta(const std::vector<SliceTrial>& trials) {
  return trials.size() - (LastIsWorthIt(trials) ? 1 : 2);
}

}  // namespace taud::lab
