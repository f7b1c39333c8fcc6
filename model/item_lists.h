#ifndef TAUD_MODEL_ITEM_LISTS_H_
#define TAUD_MODEL_ITEM_LISTS_H_

#include <cstdint>
#include <vector>

namespace taud::model {

// Items by user: [user] → its items, in any order.
using ItemLists = std::vector<std::vector<uint32_t>>;

}  // namespace taud::model

#endif  // TAUD_MODEL_ITEM_LISTS_H_
