#ifndef TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_UPKEEP_H_
#define TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_UPKEEP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "model/neighbour_lists.h"
#include "trainer/neighbours/neighbour_search.h"
#include "trainer/neighbours/positive_graph.h"
#include "trainer/sampling/positive_pairs.h"

namespace taud::trainer {

// Keeps the lists of neighbours up with a stream of positives: a pair makes the
// lists of its item, and of the items that its user chose last, stale; stale
// lists are found anew, one after the other, in the order in which they became
// so. A list is as the pairs were when it was found; of an item with n users it
// is found again after 1 + n/64 changes, for one user more says little of it.
//
// Thread-compatible. What it does depends on the order of the calls alone.
class NeighbourUpkeep {
 public:
  // Lists of `most` items; 0: no lists, and nothing is kept.
  explicit NeighbourUpkeep(size_t most) : most_(most) {}

  // REQUIRES: the pair is new.
  void Add(uint32_t user, uint32_t item);
  // The same for a pair that the lists of before, see Begin, have seen.
  void AddKnown(uint32_t user, uint32_t item);
  void Remove(uint32_t user, uint32_t item);
  // Takes the users and items out of every list at once: what lists say that
  // two items of such a user have to do with each other is gone, and comes back
  // when they are found anew if others say so, too. `pairs` are what is left.
  void Forget(const absl::flat_hash_set<uint32_t>& users,
              const absl::flat_hash_set<uint32_t>& items,
              const PositivePairs& pairs);

  // Finds stale lists, one at least if there is one, until about so many
  // numbers were added up.
  void Refresh(size_t additions);
  bool stale() const { return !queue_.empty(); }
  // The items whose lists are stale, in the order in which they are found anew.
  std::vector<uint32_t> StaleItems() const {
    return {queue_.begin(), queue_.end()};
  }

  const PositiveGraph& graph() const { return graph_; }
  const model::NeighbourLists& lists() const { return lists_; }

  // Begins with lists of before, of which those of `stale` items are, and the
  // pairs that there are, in order. Items without a list are stale, too.
  // REQUIRES: nothing was added; stale items are some that there are.
  void Begin(const PositivePairs& pairs, model::NeighbourLists lists,
             const std::vector<uint32_t>& stale);

 private:
  void Touch(uint32_t item);
  void Enqueue(uint32_t item);
  void BuildGraph(const PositivePairs& pairs);

  const size_t most_;
  PositiveGraph graph_;
  NeighbourSearch search_;
  model::NeighbourLists lists_;
  std::deque<uint32_t> queue_;     // stale items
  std::vector<uint8_t> queued_;    // [items]
  std::vector<uint32_t> changes_;  // [items] since the list was found
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_NEIGHBOURS_NEIGHBOUR_UPKEEP_H_
