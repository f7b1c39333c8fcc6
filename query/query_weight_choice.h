#ifndef TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_
#define TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_

#include <array>
#include <cstddef>
#include <vector>

#include "query/neighbourhood.h"
#include "query/query_weights.h"
#include "query/weight_choice.h"

// The weights that are found from the stream: those of query/query_weights.h,
// and with them those of query/neighbourhood.h. Interactions, before they are
// learnt, are questions: where would each have ranked this one?

namespace taud::query {

// Nothing, and steps of half a power of ten.
inline constexpr std::array<float, 6> kRecentWeights = {0,    0.03f, 0.1f,
                                                        0.3f, 1,     3};
inline constexpr std::array<float, 6> kPriors = {0, 1, 3, 10, 30, 100};

// One value for each pair of weights, see WeightsAt.
inline constexpr size_t kWeightPairs = kRecentWeights.size() * kPriors.size();
QueryWeights WeightsAt(size_t pair);

// Chooses among these pairs. Both weights are 0 until a pair was found: where
// users are of different kinds, the common taste would hide what each likes
// behind what most like. Of two pairs, the one with the smaller κ is the less.
WeightChoice MakeQueryWeightChoice();
// The nearest pair.
size_t PairNearest(const QueryWeights& weights);

// The weights that the neighbourhood may have, λ and p, the least first.
inline constexpr std::array<NeighbourWeights, 13> kNeighbourWays = {
    {{0, 0},
     {0.05f, 0},
     {0.05f, 0.25f},
     {0.1f, 0},
     {0.1f, 0.25f},
     {0.2f, 0},
     {0.2f, 0.25f},
     {0.3f, 0},
     {0.3f, 0.25f},
     {0.5f, 0},
     {0.5f, 0.25f},
     {1, 0},
     {1, 0.25f}}};
WeightChoice MakeNeighbourChoice();
size_t NeighbourWayNearest(const NeighbourWeights& weights);

}  // namespace taud::query

#endif  // TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_
