#ifndef TAUD_TRAINER_NEIGHBOURS_POSITIVE_GRAPH_H_
#define TAUD_TRAINER_NEIGHBOURS_POSITIVE_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/item_lists.h"

namespace taud::trainer {

// Who likes what, by user and by item: distinct positive pairs, in the order in
// which they came. 8 bytes a pair, 48 a user and an item. Thread-compatible.
class PositiveGraph {
 public:
  PositiveGraph() = default;
  // The pairs of `lists`. REQUIRES: distinct items in each list, below `items`.
  PositiveGraph(const model::ItemLists& lists, size_t items);

  // REQUIRES: a new pair.
  void Add(uint32_t user, uint32_t item);
  // Nothing happens if there is no such pair. O(the user's and the item's).
  void Remove(uint32_t user, uint32_t item);

  size_t num_users() const { return items_of_.size(); }
  size_t num_items() const { return users_of_.size(); }
  // Empty beyond those that have come.
  const std::vector<uint32_t>& items_of(uint32_t user) const;
  const std::vector<uint32_t>& users_of(uint32_t item) const;

 private:
  std::vector<std::vector<uint32_t>> items_of_;  // [user]
  std::vector<std::vector<uint32_t>> users_of_;  // [item]
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_NEIGHBOURS_POSITIVE_GRAPH_H_
