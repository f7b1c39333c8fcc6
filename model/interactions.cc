#include "model/interactions.h"

#include <algorithm>

#include "model/check.h"

namespace taud::model {

void Interactions::Append(const Interaction& interaction) {
  TAUD_CHECK(interaction.sequence > last_sequence());
  AppendToUser(interaction);
  AppendToItem(interaction);
  log_.push_back(interaction);
  last_sequence_.store(interaction.sequence, std::memory_order_release);
}

void Interactions::AppendToUser(const Interaction& interaction) {
  users_.GrowTo(size_t{interaction.user} + 1);
  absl::MutexLock lock(&UserMutex(interaction.user));
  User& user = users_.Mutable(interaction.user);

  const auto place =
      std::lower_bound(user.seen.begin(), user.seen.end(), interaction.item);
  const bool repeated = place != user.seen.end() && *place == interaction.item;
  if (!repeated) user.seen.insert(place, interaction.item);

  if (repeated) {
    const auto old = std::find_if(
        user.history.rbegin(), user.history.rend(),
        [&](const HistoryEntry& e) { return e.item == interaction.item; });
    if (old != user.history.rend()) user.history.erase(std::next(old).base());
  }
  user.history.push_back({interaction.item, interaction.kind,
                          interaction.weight, interaction.sequence,
                          interaction.time_ms});
  // Trimmed in halves, so that a long history costs O(1) an interaction.
  if (user.history.size() >= 2 * kMaxHistory) {
    user.history.erase(user.history.begin(), user.history.end() - kMaxHistory);
  }
}

void Interactions::AppendToItem(const Interaction& interaction) {
  items_.GrowTo(size_t{interaction.item} + 1);
  absl::MutexLock lock(&ItemMutex(interaction.item));
  Item& item = items_.Mutable(interaction.item);
  ++item.count;
  if (!item.recent.empty() && item.recent.back() == interaction.user) return;
  item.recent.push_back(interaction.user);
  if (item.recent.size() >= 2 * kMaxRecentUsers) {
    item.recent.erase(item.recent.begin(), item.recent.end() - kMaxRecentUsers);
  }
}

bool Interactions::HasSeen(UserIndex user, ItemIndex item) const {
  if (user >= users_.size()) return false;
  absl::ReaderMutexLock lock(&UserMutex(user));
  const std::vector<ItemIndex>& seen = users_[user].seen;
  return std::binary_search(seen.begin(), seen.end(), item);
}

void Interactions::CopySeen(UserIndex user,
                            std::vector<ItemIndex>* seen) const {
  seen->clear();
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  *seen = users_[user].seen;
}

void Interactions::CopyHistory(UserIndex user, size_t limit,
                               std::vector<HistoryEntry>* history) const {
  CopyHistorySince(user, 0, limit, history);
}

void Interactions::CopyHistorySince(UserIndex user, Sequence after,
                                    size_t limit,
                                    std::vector<HistoryEntry>* history) const {
  history->clear();
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  const std::vector<HistoryEntry>& all = users_[user].history;
  limit = std::min(limit, kMaxHistory);
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (history->size() == limit || it->sequence <= after) break;
    history->push_back(*it);
  }
}

uint32_t Interactions::ItemCount(ItemIndex item) const {
  if (item >= items_.size()) return 0;
  absl::ReaderMutexLock lock(&ItemMutex(item));
  return items_[item].count;
}

void Interactions::CopyRecentUsers(ItemIndex item,
                                   std::vector<UserIndex>* users) const {
  users->clear();
  if (item >= items_.size()) return;
  absl::ReaderMutexLock lock(&ItemMutex(item));
  const std::vector<UserIndex>& recent = items_[item].recent;
  const size_t n = std::min(recent.size(), kMaxRecentUsers);
  users->assign(recent.rbegin(), recent.rbegin() + n);
}

}  // namespace taud::model
