#ifndef TAUD_LAB_NORM_EXPONENT_H_
#define TAUD_LAB_NORM_EXPONENT_H_

#include <array>
#include <vector>

#include "lab/slice_trial.h"
#include "model/snapshot.h"

// How much the norms of the items count where users are ranked for: items are
// ranked by cos(e_u, e_i) · ‖e_i‖^p. p = 0 is the cosine and p = 1 the inner
// product, the two that the papers know (SSM, §4.4.4); what is between them was
// better than both on every slice that was tried, for backbones that gather
// neighbours, whose vectors of popular items are the longer ones
// (docs/results.md). Pure functions.

namespace taud::lab {

// Values of p that are tried, ascending.
inline constexpr std::array<double, 13> kNormExponents = {
    0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2};

inline constexpr double kMaxNormExponent = 4;

// The first p of the greatest merit. 0 without trials.
double ChooseNormExponent(const std::vector<SliceTrial>& trials);

// Gives each row of *items the norm norms[row]^exponent; rows that are zero
// stay so. REQUIRES: as many norms, from 0 on, as rows.
void SetNorms(const std::vector<float>& norms, double exponent,
              model::Matrix* items);

}  // namespace taud::lab

#endif  // TAUD_LAB_NORM_EXPONENT_H_
