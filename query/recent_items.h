#ifndef TAUD_QUERY_RECENT_ITEMS_H_
#define TAUD_QUERY_RECENT_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/query_weights.h"

namespace taud::query {

// The latest kRecentItems items of every user, in 68 bytes each.
// Thread-compatible.
class RecentItems {
 public:
  void Add(uint32_t user, uint32_t item);
  // Replaces *items by those of the user, newest first.
  void Copy(uint32_t user, std::vector<uint32_t>* items) const;
  void Clear() {
    items_.clear();
    added_.clear();
  }

 private:
  static constexpr size_t kMost = kRecentItems;
  std::vector<uint32_t> items_;  // [users × kMost], rings
  std::vector<uint32_t> added_;  // [users]
};

}  // namespace taud::query

#endif  // TAUD_QUERY_RECENT_ITEMS_H_
