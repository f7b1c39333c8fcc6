#ifndef TAUD_TESTS_MODEL_HAS_SEEN_H_
#define TAUD_TESTS_MODEL_HAS_SEEN_H_

#include <algorithm>
#include <vector>

#include "model/interactions.h"

namespace taud::model {

inline bool HasSeen(const Interactions& interactions, UserIndex user,
                    ItemIndex item) {
  std::vector<ItemIndex> seen;
  interactions.CopySeen(user, &seen);
  return std::binary_search(seen.begin(), seen.end(), item);
}

}  // namespace taud::model

#endif  // TAUD_TESTS_MODEL_HAS_SEEN_H_
