#ifndef TAUD_LAB_QUERY_PRIOR_H_
#define TAUD_LAB_QUERY_PRIOR_H_

#include <array>
#include <vector>

#include "lab/slice_trial.h"
#include "model/snapshot.h"
#include "trainer/evaluation.h"

// The common taste in what users are ranked by: the daemon's κ
// (model/query_weights.h), for fits that are not a stream. Pure functions.

namespace taud::lab {

// Values of κ that are tried, ascending, in interactions. Short histories want
// much of it, and those of a hundred items none.
inline constexpr std::array<double, 8> kPriors = {0, 0.5, 1, 2, 3, 5, 10, 30};

// The smallest κ that is as good as the best (kAsGood). 0 without trials. Pure.
double ChoosePrior(const std::vector<SliceTrial>& trials);

// The users' rows at unit norm, and to each κ/n times the common taste: the
// mean of all users', at unit norm. n is the length of the user's list in
// `train`; rows of users without one stay as they are. With κ = 0, and where
// the users cancel out, *users stays as it is: a row's norm does not matter to
// its ranking. REQUIRES: as many lists as rows.
void AddCommonTaste(double prior, const trainer::ItemLists& train,
                    model::Matrix* users);

}  // namespace taud::lab

#endif  // TAUD_LAB_QUERY_PRIOR_H_
