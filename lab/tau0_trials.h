#ifndef TAUD_LAB_TAU0_TRIALS_H_
#define TAUD_LAB_TAU0_TRIALS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "lab/slice_trial.h"

// How many times τ₀ is what Eq. 14 says, found on the validation slice. Pure
// functions.

namespace taud::lab {

// τ₀ is tried in steps of this factor.
inline constexpr double kTau0Step = 1.25;
inline constexpr size_t kMostTau0Trials = 5;

// The factor to try next; nothing if there is nothing more to try. `trials` are
// those so far, in the order in which they were asked for; the first is of 1.
//
// First up, as long as it gets better; if the first step up is no better, down
// as long as it gets better. For example: 1, 1.25 (better), 1.5625 (worse),
// end; or 1, 1.25 (worse), 0.8 (worse), end. So the best lies between two that
// are worse, unless the trials end before. If all merits are 0, the slice says
// nothing, and the search ends.
std::optional<double> NextTau0Factor(const std::vector<SliceTrial>& trials);

// The factor to go on with, to two decimals; `trials` not empty. The highest
// point of the parabola, in log τ₀, through the best trial and its two
// neighbours; the best one itself if it has not two.
double ChooseTau0Factor(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_TAU0_TRIALS_H_
