#ifndef TAUD_QUERY_NEIGHBOURHOOD_H_
#define TAUD_QUERY_NEIGHBOURHOOD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/neighbour_lists.h"
#include "model/snapshot.h"
#include "model/types.h"

// What the neighbourhood of a user's items says of other items. A vector of 64
// numbers holds the broad taste; which two items go together it cannot hold for
// all of them, and the lists of neighbours do. The two know different things,
// so items are ranked by their sum:
//
//   score(u, j) = cos(u, j) + λ · ĝ_u(j) · (D_j / D̄)^p
//   g_u(j) = Σ_{i ∈ h(u)} W_ij / √D_i
//
// with h(u) the history, W the weights of the lists
// (trainer/neighbours/neighbour_search.h), D_i an item's number of users and D̄
// the mean of the items that have some. ĝ is g divided by the mean of its
// kNormalisers greatest values outside of the history, so that λ means the same
// for every user, and no more than kMostStrength: an item that a few accounts
// alone have chosen, together with what many have, would stand far above all
// others' mean.

namespace taud::query {

struct NeighbourWeights {
  float weight = 0;  // λ; 0: the neighbourhood says nothing
  float power = 0;   // p
};
inline constexpr float kMaxNeighbourWeight = 10;
inline constexpr float kMaxNeighbourPower = 2;

// Snapshot::metrics; absent is 0.
inline constexpr char kNeighbourWeightMetric[] = "neighbour_weight";
inline constexpr char kNeighbourPowerMetric[] = "neighbour_power";

// The weights, in range whatever the metrics are; none if the snapshot has no
// lists. Pure.
NeighbourWeights NeighbourWeightsOf(const model::Snapshot& snapshot);

// Items of a history that are looked at: of a longer one, the latest.
inline constexpr size_t kMostNeighbourhoodItems = 256;
inline constexpr size_t kNormalisers = 50;
inline constexpr float kMostStrength = 6;

// D̄ of `popularity`; 1 if no item has users. Pure.
double MeanPopularity(const std::vector<uint32_t>& popularity);

// (D / D̄)^p. Pure.
float PopularityFactor(uint32_t users, double mean, float power);

// What an item has of a neighbourhood.
struct NeighbourStrength {
  model::ItemIndex item = 0;
  float strength = 0;  // ĝ, above 0, kMostStrength at most
};

// Working memory of a thread, 4 bytes an item and 8 of each that lists name.
// Between calls `sums` is zero.
struct NeighbourScratch {
  std::vector<float> sums;
  std::vector<model::ItemIndex> touched;  // as many as there is room for
  std::vector<float> values;              // their sums
  std::vector<float> greatest;
};

// Replaces *strengths by those of the items that the history's lists name, in
// no particular order, without those of the history. `history` is latest first,
// of distinct items; those that nobody has, by `popularity`, say nothing. Items
// beyond `popularity` are passed over. O(items of the lists).
void FindStrengths(const model::NeighbourLists& lists,
                   const std::vector<uint32_t>& popularity,
                   absl::Span<const model::ItemIndex> history,
                   NeighbourScratch* scratch,
                   std::vector<NeighbourStrength>* strengths);

}  // namespace taud::query

#endif  // TAUD_QUERY_NEIGHBOURHOOD_H_
