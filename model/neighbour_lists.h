#ifndef TAUD_MODEL_NEIGHBOUR_LISTS_H_
#define TAUD_MODEL_NEIGHBOUR_LISTS_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "model/types.h"

namespace taud::model {

// An item that is often chosen by those who chose another one.
struct Neighbour {
  ItemIndex item = 0;
  float weight = 0;  // > 0
};
using NeighbourList = std::vector<Neighbour>;  // strongest first

// For every item its strongest neighbours. A copy costs a pointer an item: the
// lists themselves are shared and never change.
//
// Thread-compatible; a const one may be read by any thread.
class NeighbourLists {
 public:
  // Items that there is a place for; those beyond have no neighbours.
  size_t size() const { return lists_.size(); }
  void Grow(size_t items) {
    if (items > lists_.size()) lists_.resize(items);
  }
  absl::Span<const Neighbour> Of(ItemIndex item) const {
    if (item >= lists_.size() || lists_[item] == nullptr) return {};
    return *lists_[item];
  }
  // REQUIRES: item < size().
  void Set(ItemIndex item, NeighbourList list) {
    lists_[item] = list.empty()
                       ? nullptr
                       : std::make_shared<const NeighbourList>(std::move(list));
  }

 private:
  std::vector<std::shared_ptr<const NeighbourList>> lists_;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_NEIGHBOUR_LISTS_H_
