// What any thread reads of Interactions (interactions.h).

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/interactions.h"

namespace taud::model {

void Interactions::CopySeen(UserIndex user,
                            std::vector<ItemIndex>* seen) const {
  seen->clear();
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  *seen = users_[user].seen;
}

void Interactions::CopyHistory(UserIndex user, size_t limit,
                               std::vector<HistoryEntry>* history) const {
  HistoryPart part;
  part.limit = limit;
  CopyHistoryPart(user, part, history);
}

void Interactions::CopyHistoryPart(UserIndex user, const HistoryPart& part,
                                   std::vector<HistoryEntry>* history) const {
  history->clear();
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  const std::vector<HistoryEntry>& all = users_[user].history;
  // Most users have nothing new.
  const bool has_newer = users_[user].newest > part.after;
  const size_t limit = std::min(part.limit, kMaxHistory);
  const size_t places = std::max(part.latest, part.dislikes);
  size_t place = 0;
  for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
    if (history->size() >= limit || (!has_newer && place >= places)) return;
    if (entry->sequence >= part.before) continue;
    const bool disliked = place < part.dislikes && !IsPositive(entry->kind);
    if (place < part.latest || disliked || entry->sequence > part.after) {
      history->push_back(*entry);
    }
    ++place;
  }
}

bool Interactions::HasDislikes(UserIndex user) const {
  if (user >= users_.size()) return false;
  absl::ReaderMutexLock lock(&UserMutex(user));
  return users_[user].dislikes > 0;
}

bool Interactions::CopyTakenSince(UserIndex user, Sequence before,
                                  std::vector<ItemIndex>* items) const {
  items->clear();
  if (user >= users_.size()) return true;
  absl::ReaderMutexLock lock(&UserMutex(user));
  if (users_[user].newest < before) return true;
  for (const HistoryEntry& entry : users_[user].history) {
    if (entry.sequence < before) continue;
    if (entry.repeated) return false;
    items->push_back(entry.item);
  }
  std::sort(items->begin(), items->end());
  return true;
}

void Interactions::CopyLiked(UserIndex user, size_t limit,
                             std::vector<ItemIndex>* items,
                             Sequence before) const {
  items->clear();
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  const std::vector<HistoryEntry>& all = users_[user].history;
  const auto end = all.rbegin() + std::min(all.size(), kMaxHistory);
  for (auto entry = all.rbegin(); entry != end; ++entry) {
    if (items->size() >= limit) return;
    if (entry->sequence >= before || !IsPositive(entry->kind)) continue;
    items->push_back(entry->item);
  }
}

void Interactions::KeepLiked(std::vector<Pair>* pairs) const {
  std::vector<size_t> order(pairs->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return (*pairs)[a].first < (*pairs)[b].first;
  });
  std::vector<char> liked(pairs->size());
  for (size_t begin = 0; begin < order.size();) {
    const UserIndex user = (*pairs)[order[begin]].first;
    size_t end = begin;
    absl::flat_hash_map<ItemIndex, bool> asked;
    while (end < order.size() && (*pairs)[order[end]].first == user) {
      asked[(*pairs)[order[end++]].second] = false;
    }
    FindLiked(user, &asked);
    for (; begin < end; ++begin) {
      liked[order[begin]] = asked[(*pairs)[order[begin]].second] ? 1 : 0;
    }
  }
  size_t kept = 0;
  for (size_t p = 0; p < pairs->size(); ++p) {
    if (liked[p] != 0) (*pairs)[kept++] = (*pairs)[p];
  }
  pairs->resize(kept);
}

void Interactions::FindLiked(
    UserIndex user, absl::flat_hash_map<ItemIndex, bool>* asked) const {
  if (user >= users_.size()) return;
  absl::ReaderMutexLock lock(&UserMutex(user));
  for (const HistoryEntry& entry : users_[user].history) {
    if (!IsPositive(entry.kind)) continue;
    const auto found = asked->find(entry.item);
    if (found != asked->end()) found->second = true;
  }
  const OldLikes& stripe = old_likes_[user % kStripes];
  const auto old = stripe.find(user);
  if (old == stripe.end()) return;
  for (auto& [item, liked] : *asked) {
    liked = liked ||
            std::binary_search(old->second.begin(), old->second.end(), item);
  }
}

std::map<Interactions::Pair, std::vector<size_t>> Interactions::PositionsOf(
    const std::vector<Pair>& pairs) const {
  std::map<Pair, std::vector<size_t>> positions;
  for (const Pair& pair : pairs) positions[pair];
  const absl::flat_hash_set<Pair> wanted(pairs.begin(), pairs.end());
  size_t position = 0;
  ForEach(0, size(), [&](const Interaction& one) {
    const size_t here = position++;
    if (IsErased(one) || !wanted.contains(Pair(one.user, one.item))) return;
    std::vector<size_t>& of_pair = positions[Pair(one.user, one.item)];
    if (one.kind == InteractionKind::kRetract) {
      of_pair.clear();
    } else {
      of_pair.push_back(here);
    }
  });
  return positions;
}

Sequence Interactions::NewestOf(UserIndex user) const {
  if (user >= users_.size()) return 0;
  absl::ReaderMutexLock lock(&UserMutex(user));
  return users_[user].newest;
}

uint32_t Interactions::ItemCount(ItemIndex item) const {
  if (item >= items_.size()) return 0;
  absl::ReaderMutexLock lock(&ItemMutex(item));
  return items_[item].count;
}

uint32_t Interactions::ItemPositives(ItemIndex item) const {
  if (item >= items_.size()) return 0;
  absl::ReaderMutexLock lock(&ItemMutex(item));
  return items_[item].positives;
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
