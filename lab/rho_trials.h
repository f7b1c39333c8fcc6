#ifndef TAUD_LAB_RHO_TRIALS_H_
#define TAUD_LAB_RHO_TRIALS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "lab/slice_trial.h"

// ρ, the weight of the negative side, found on the validation slice. Pure
// functions.

namespace taud::lab {

// The ρ to try next after `trials` in ascending order, the first of which is of
// 1; nothing if they are enough. Up in steps of 0.1, to 1.4 at most, past the
// best by one step. Where 1 is still the best it goes on as far as the last is
// not surely worse: what a small ρ brings can be less than the noise of the
// slice where a greater one brings much, as with false positives in the data.
// Of a slice that says nothing, merits of 0, there is no more to ask.
std::optional<double> NextRho(const std::vector<SliceTrial>& trials);
inline constexpr size_t kMostTrials = 5;

// The ρ to go on with: where the parabola through the merits of the best trial
// and of its two neighbours is highest, to two decimals, and through the first
// three if the best is the first; the best trial's own if there are not three.
// `trials` in ascending order of ρ, not empty. The merit is smooth in ρ and the
// slice noisy: three points say more than the best alone.
double ChooseRho(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_RHO_TRIALS_H_
