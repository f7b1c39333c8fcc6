#ifndef TAUD_LAB_NEIGHBOUR_TRIALS_H_
#define TAUD_LAB_NEIGHBOUR_TRIALS_H_

#include <array>
#include <optional>
#include <vector>

#include "query/neighbourhood.h"

// How the weights of the neighbourhood (query/neighbourhood.h) are found on the
// validation slice: which are tried next, and which are best. Pure functions.

namespace taud::lab {

// Weights that were tried, and the figures on the slice.
struct NeighbourTrial {
  query::NeighbourWeights weights;
  double recall = 0;
  double ndcg = 0;
};

// Values of λ and of p that are tried, ascending. λ = 0 is tried once.
inline constexpr std::array<double, 8> kNeighbourWeights = {
    0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5};
inline constexpr std::array<double, 3> kNeighbourPowers = {0, 0.25, 0.5};

// What to try after `trials`: nothing first, then for each p the values of λ
// while they are not surely worse than the best of that p. Nothing if that is
// all.
std::optional<query::NeighbourWeights> NextNeighbourWeights(
    const std::vector<NeighbourTrial>& trials);

// The least λ that is as good as the best (kAsGood) with some p, and of those p
// the best with it. Zero without trials.
query::NeighbourWeights ChooseNeighbourWeights(
    const std::vector<NeighbourTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_NEIGHBOUR_TRIALS_H_
