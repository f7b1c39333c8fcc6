#ifndef TAUD_LAB_BETA_TRIALS_H_
#define TAUD_LAB_BETA_TRIALS_H_

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "lab/slice_trial.h"

// β, by whose power of the popularity negatives are drawn, found on the
// validation slice. Pure functions.

namespace taud::lab {

// Values of β that are tried, ascending. Negatives are drawn in proportion to
// popularity^β: at 0 all items alike, at 1 as popular as the positives.
inline constexpr std::array<double, 5> kBetas = {0, 0.25, 0.5, 0.75, 1};

// The β to try next after `trials` of the first values of kBetas. It is the
// next value as long as each trial is clearly better than the one before it,
// which is then not as good (kAsGood). A β that brings little is not taken,
// because uniform negatives leave more to ρ, which is found after β.
std::optional<double> NextBeta(const std::vector<SliceTrial>& trials);

// The β to go on with, as an index of `trials`: the last that was clearly
// better than the one before it, or the first. REQUIRES: a trial.
size_t ChooseBeta(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_BETA_TRIALS_H_
