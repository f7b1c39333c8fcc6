#ifndef TAUD_QUERY_NEIGHBOURHOOD_H_
#define TAUD_QUERY_NEIGHBOURHOOD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/neighbour_lists.h"
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
// for every user.

namespace taud::query {

struct NeighbourWeights {
  float weight = 0;  // λ; 0: the neighbourhood says nothing
  float power = 0;   // p
};

// Items of a history that are looked at: of a longer one, the latest.
inline constexpr size_t kMostNeighbourhoodItems = 256;
inline constexpr size_t kNormalisers = 50;

// What an item gains by the neighbourhood.
struct NeighbourGain {
  model::ItemIndex item = 0;
  float gain = 0;  // > 0: λ · ĝ · (D / D̄)^p
};

// Computes the gains of one history after another. Thread-compatible; holds
// scratch of 4 bytes an item.
class Neighbourhood {
 public:
  // `lists` and `popularity` [items], D, outlive it.
  Neighbourhood(const model::NeighbourLists* lists,
                const std::vector<uint32_t>* popularity);

  // Replaces *gains by those of the items that the history's lists name, by
  // item, without those of the history. `history` is latest first; items that
  // nobody has say nothing. REQUIRES: history has distinct items.
  void Gains(absl::Span<const model::ItemIndex> history,
             const NeighbourWeights& weights,
             std::vector<NeighbourGain>* gains);

 private:
  const model::NeighbourLists* const lists_;
  const std::vector<uint32_t>* const popularity_;
  double mean_popularity_ = 1;
  std::vector<float> sums_;  // [items], zero between calls
  std::vector<model::ItemIndex> touched_;
  std::vector<float> greatest_;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_NEIGHBOURHOOD_H_
