#ifndef TAUD_LAB_RHO_TRIALS_H_
#define TAUD_LAB_RHO_TRIALS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "lab/slice_trial.h"

// ρ, the weight of the negative side, found on the validation slice. Pure
// functions.

namespace taud::lab {

// The ρ to try next; nothing if there is nothing more to try. `trials` are
// those so far, in ascending order; the first is of ρ = 1.
//
// ρ goes up in steps of 0.1, to 1.4 at most. The search ends one step past the
// best. For example, with merits of
//
//   ρ       1      1.1    1.2    1.3
//   merit   0.280  0.287  0.295  0.290
//
// it ends at 1.3, for 1.2 was better. While 1 is still the best, the search
// does not end at the first worse merit, only at one that is surely worse
// (below kSurelyWorseFit of the best): with merits of 0.280 and 0.278 it goes
// on. A small step of ρ can bring less than the noise of the slice where a
// greater one brings much, as with false positives in the data. If all merits
// are 0, the slice says nothing, and the search ends.
std::optional<double> NextRho(const std::vector<SliceTrial>& trials);
inline constexpr size_t kMostTrials = 5;

// The ρ to go on with. `trials` in ascending order of ρ, not empty.
//
// The merit is smooth in ρ, and the slice is noisy: three points say more than
// the best one alone. So a parabola is laid through the best trial and its two
// neighbours, and its highest point is taken, to two decimals. For example,
// merits of 0.287 at 1.1, 0.295 at 1.2 and 0.290 at 1.3 give 1.21. If the best
// is the first trial, the parabola goes through the first three. If there are
// not three trials, it is the best one's own ρ.
double ChooseRho(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_RHO_TRIALS_H_
