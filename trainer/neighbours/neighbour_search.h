#ifndef TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_SEARCH_H_
#define TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/neighbour_lists.h"
#include "trainer/neighbours/positive_graph.h"

namespace taud::trainer {

// Finds the strongest neighbours of items. With R the users × items matrix of
// positives, D_v the number of a user's and D_i of an item's, and
// N = D_v^-½ R D_i^-½, the weight of two items is that of NᵀN, two steps in the
// graph of users and items:
//
//   W_ij = Σ_v R_vi R_vj / D_v  ÷ √(D_i D_j),    j ≠ i
//
// A popular item has many users and some users have many items: no more than
// kMostUsers of the first, evenly spaced in the order in which they came, and
// the last kMostItems of the second are looked at, so that one search costs
// 500,000 additions at most. Of equal weights the lower item comes first.
//
// Thread-compatible; holds scratch of 4 bytes an item.
class NeighbourSearch {
 public:
  static constexpr size_t kMostUsers = 1000;
  static constexpr size_t kMostItems = 500;

  // The `most` strongest. *cost is the number of additions; it may be null.
  model::NeighbourList Find(const PositiveGraph& graph, uint32_t item,
                            size_t most, size_t* cost = nullptr);

 private:
  std::vector<float> sums_;  // [items], zero between calls
  std::vector<uint32_t> touched_;
};

// Of every item, on `threads` threads for the duration of the call.
model::NeighbourLists FindAllNeighbours(const PositiveGraph& graph, size_t most,
                                        int threads);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_SEARCH_H_
