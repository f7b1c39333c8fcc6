#include "query/recent_items.h"

#include <algorithm>

namespace taud::query {

void RecentItems::Add(uint32_t user, uint32_t item) {
  if (user >= added_.size()) {
    added_.resize(size_t{user} + 1, 0);
    items_.resize((size_t{user} + 1) * kMost, 0);
  }
  items_[user * kMost + added_[user] % kMost] = item;
  ++added_[user];
}

void RecentItems::Copy(uint32_t user, std::vector<uint32_t>* items) const {
  items->clear();
  if (user >= added_.size()) return;
  const uint32_t added = added_[user];
  const uint32_t kept = std::min<uint32_t>(added, kMost);
  for (uint32_t k = 1; k <= kept; ++k) {
    items->push_back(items_[user * kMost + (added - k) % kMost]);
  }
}

}  // namespace taud::query
