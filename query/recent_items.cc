#include "query/recent_items.h"

#include <algorithm>

namespace taud::query {

void RecentItems::Add(uint32_t user, uint32_t item, uint32_t second) {
  if (user >= users_.size()) users_.resize(size_t{user} + 1);
  User& mine = users_[user];
  Remove(item, &mine);
  auto end = mine.entries.begin() + mine.count;
  auto place = end;
  while (place != mine.entries.begin() && std::prev(place)->second > second) {
    --place;
  }
  if (mine.count == kRecentItems) {
    if (place == mine.entries.begin()) return;  // older than all
    // The oldest makes room.
    place = std::move(mine.entries.begin() + 1, place, mine.entries.begin());
  } else {
    std::move_backward(place, end, end + 1);
    ++mine.count;
  }
  *place = {item, second};
}

void RecentItems::Remove(uint32_t user, uint32_t item) {
  if (user < users_.size()) Remove(item, &users_[user]);
}

void RecentItems::Remove(uint32_t item, User* user) {
  const auto end = user->entries.begin() + user->count;
  const auto found =
      std::find_if(user->entries.begin(), end,
                   [item](const Entry& entry) { return entry.item == item; });
  if (found == end) return;
  std::move(found + 1, end, found);
  --user->count;
}

void RecentItems::Copy(uint32_t user, std::vector<Entry>* entries) const {
  entries->clear();
  if (user >= users_.size()) return;
  const User& mine = users_[user];
  for (uint32_t k = mine.count; k > 0; --k) {
    entries->push_back(mine.entries[k - 1]);
  }
}

}  // namespace taud::query
