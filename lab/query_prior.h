#ifndef TAUD_LAB_QUERY_PRIOR_H_
#define TAUD_LAB_QUERY_PRIOR_H_

#include <array>
#include <vector>

#include "lab/slice_trial.h"

// How much of the common taste (query/common_taste.h) enters what users are
// ranked by: the daemon's κ, for fits that are not a stream. Pure functions.

namespace taud::lab {

// Values of κ that are tried, ascending. κ is counted in interactions: at κ = 5
// the common taste counts like five of them. Users with short histories want
// much of it; those with a hundred items want none.
//
// The daemon tries other values (query/query_weight_choice.h). Each value costs
// it one score of every sampled interaction, so it has fewer; and as it must
// also serve streams of which it has seen nothing, they reach further.
inline constexpr std::array<double, 8> kOfflinePriors = {0, 0.5, 1,  2,
                                                         3, 5,   10, 30};

// The smallest κ that is as good as the best (kAsGood). 0 without trials. Pure.
double ChoosePrior(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_QUERY_PRIOR_H_
