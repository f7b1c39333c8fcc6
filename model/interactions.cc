#include "model/interactions.h"

#include <algorithm>
#include <exception>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/check.h"

namespace taud::model {
namespace {

// HistoryEntry::since_like of a dislike with `sequence` that comes after `old`.
uint32_t SinceLike(const HistoryEntry& old, Sequence sequence) {
  if (!IsPositive(old.kind) && old.since_like == 0) return 0;
  const Sequence since = sequence - old.sequence + old.since_like;
  return since > std::numeric_limits<uint32_t>::max()
             ? 0
             : static_cast<uint32_t>(since);
}

uint32_t CountDislikes(const std::vector<HistoryEntry>& history) {
  return static_cast<uint32_t>(
      std::count_if(history.begin(), history.end(),
                    [](const HistoryEntry& e) { return !IsPositive(e.kind); }));
}

// So that the next `more` insertions need no memory; it grows as they would
// have let it grow.
template <typename T>
void MakeRoom(size_t more, std::vector<T>* vector) {
  const size_t needed = vector->size() + more;
  if (needed <= vector->capacity()) return;
  vector->reserve(std::max(needed, 2 * vector->capacity()));
}

constexpr uint64_t kPosition = 0xffffffff;

// Positions of the interactions in kPosition, sorted by the index above them,
// of a user or an item; those of one index in order.
template <typename IndexOf>
std::vector<uint64_t> SortBy(const std::vector<Interaction>& interactions,
                             const IndexOf& index_of) {
  std::vector<uint64_t> order(interactions.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = (uint64_t{index_of(interactions[i])} << 32) | i;
  }
  std::sort(order.begin(), order.end());
  return order;
}

// Calls visit(index, begin, end) for the places of each index in `order`.
template <typename Visit>
void ForEachIndex(const std::vector<uint64_t>& order, const Visit& visit) {
  for (size_t begin = 0; begin < order.size();) {
    const uint64_t index = order[begin] >> 32;
    size_t end = begin;
    while (end < order.size() && order[end] >> 32 == index) ++end;
    visit(static_cast<uint32_t>(index), begin, end);
    begin = end;
  }
}

// Which of one user's interactions, at the places [begin, end) of `order`, are
// with an item that is seen by then. *by_item is room for them.
void MarkRepeated(const std::vector<Interaction>& interactions,
                  const std::vector<uint64_t>& order, size_t begin, size_t end,
                  const std::vector<ItemIndex>& seen,
                  std::vector<uint64_t>* by_item, std::vector<char>* repeated) {
  by_item->clear();
  for (size_t i = begin; i < end; ++i) {
    const uint64_t at = order[i] & kPosition;
    by_item->push_back((uint64_t{interactions[at].item} << 32) | at);
  }
  std::sort(by_item->begin(), by_item->end());
  const Interaction* before = nullptr;
  for (const uint64_t key : *by_item) {
    const size_t at = key & kPosition;
    const Interaction& one = interactions[at];
    (*repeated)[at] =
        before != nullptr && before->item == one.item
            ? before->kind != InteractionKind::kRetract
            : std::binary_search(seen.begin(), seen.end(), one.item);
    before = &one;
  }
}

}  // namespace

// Here and in AppendAll whatever may need memory comes before anything changes.
// So one that throws has appended those through last_sequence(), wholly, and
// nothing of the others, which can be appended again.
void Interactions::Append(const Interaction& interaction) {
  TAUD_CHECK(interaction.sequence > last_sequence());
  users_.GrowTo(size_t{interaction.user} + 1);
  items_.GrowTo(size_t{interaction.item} + 1);
  Interaction kept = interaction;
  {
    absl::MutexLock lock(&UserMutex(interaction.user));
    User& user = users_.Mutable(interaction.user);
    MakeRoom(1, &user.seen);
    MakeRoom(1, &user.history);
    MakeRoomToLeave(interaction.user, 1, user);
    kept.repeated = std::binary_search(user.seen.begin(), user.seen.end(),
                                       interaction.item);
  }
  {
    absl::MutexLock lock(&ItemMutex(interaction.item));
    MakeRoom(1, &items_.Mutable(interaction.item).recent);
  }
  log_.push_back(kept);
  AppendToItem(interaction, AppendToUser(&kept));
  NoteRetraction(interaction);
  last_sequence_.store(interaction.sequence, std::memory_order_release);
}

void Interactions::AppendAll(const std::vector<Interaction>& interactions) {
  if (interactions.empty()) return;
  UserIndex last_user = 0;
  ItemIndex last_item = 0;
  Sequence last = last_sequence();
  for (const Interaction& one : interactions) {
    TAUD_CHECK(one.sequence > last);
    last = one.sequence;
    last_user = std::max(last_user, one.user);
    last_item = std::max(last_item, one.item);
  }
  users_.GrowTo(size_t{last_user} + 1);
  items_.GrowTo(size_t{last_item} + 1);
  // By user, and by item, each in order: one lock and one place in memory for
  // many interactions.
  const std::vector<uint64_t> by_user =
      SortBy(interactions, [](const Interaction& one) { return one.user; });
  const std::vector<uint64_t> by_item =
      SortBy(interactions, [](const Interaction& one) { return one.item; });
  std::vector<Change> changes(interactions.size());
  std::vector<char> repeated(interactions.size());
  std::vector<uint64_t> of_user;
  of_user.reserve(interactions.size());
  ForEachIndex(by_user, [&](UserIndex index, size_t begin, size_t end) {
    absl::MutexLock lock(&UserMutex(index));
    User& user = users_.Mutable(index);
    MakeRoom(end - begin, &user.seen);
    MakeRoom(std::min(end - begin, 2 * kMaxHistory), &user.history);
    MakeRoomToLeave(index, end - begin, user);
    MarkRepeated(interactions, by_user, begin, end, user.seen, &of_user,
                 &repeated);
  });
  ForEachIndex(by_item, [&](ItemIndex index, size_t begin, size_t end) {
    absl::MutexLock lock(&ItemMutex(index));
    MakeRoom(std::min(end - begin, 2 * kMaxRecentUsers),
             &items_.Mutable(index).recent);
  });
  // The log has chunks, and may need one in the middle of them.
  size_t taken = 0;
  std::exception_ptr failed;
  try {
    for (; taken < interactions.size(); ++taken) {
      Interaction kept = interactions[taken];
      kept.repeated = repeated[taken] != 0;
      log_.push_back(kept);
    }
  } catch (...) {
    failed = std::current_exception();
  }
  ForEachIndex(by_user, [&](UserIndex index, size_t begin, size_t end) {
    absl::MutexLock lock(&UserMutex(index));
    User& user = users_.Mutable(index);
    bool again = false;
    for (size_t i = begin; i < end; ++i) {
      const size_t at = by_user[i] & kPosition;
      if (at < taken) changes[at] = AddToUser(interactions[at], &user, &again);
    }
  });
  for (const uint64_t key : by_item) {
    const size_t at = key & kPosition;
    if (at < taken) AppendToItem(interactions[at], changes[at]);
  }
  for (size_t i = 0; i < taken; ++i) NoteRetraction(interactions[i]);
  if (taken > 0) {
    last_sequence_.store(interactions[taken - 1].sequence,
                         std::memory_order_release);
  }
  if (failed) std::rethrow_exception(failed);
}

Interactions::Change Interactions::AppendToUser(Interaction* interaction) {
  users_.GrowTo(size_t{interaction->user} + 1);
  absl::MutexLock lock(&UserMutex(interaction->user));
  return AddToUser(*interaction, &users_.Mutable(interaction->user),
                   &interaction->repeated);
}

Interactions::Change Interactions::AddToUser(const Interaction& interaction,
                                             User* user, bool* was_there) {
  const auto place =
      std::lower_bound(user->seen.begin(), user->seen.end(), interaction.item);
  const bool repeated = place != user->seen.end() && *place == interaction.item;
  *was_there = repeated;
  user->newest = interaction.sequence;
  if (interaction.kind == InteractionKind::kRetract) {
    if (!repeated) return Change::kNone;
    user->seen.erase(place);
    return DropFromHistory(interaction.user, interaction.item, user);
  }
  if (!repeated) user->seen.insert(place, interaction.item);

  HistoryEntry entry;
  entry.item = interaction.item;
  entry.kind = interaction.kind;
  entry.repeated = repeated;
  entry.weight = interaction.weight;
  entry.sequence = interaction.sequence;
  entry.time_ms = interaction.time_ms;
  const bool positive = IsPositive(entry.kind);
  bool was_positive = false;
  std::vector<HistoryEntry>& history = user->history;
  if (repeated) {
    const auto old = std::find_if(
        history.rbegin(), history.rend(),
        [&](const HistoryEntry& e) { return e.item == entry.item; });
    if (old != history.rend()) {
      was_positive = IsPositive(old->kind);
      if (!was_positive) --user->dislikes;
      if (!positive) entry.since_like = SinceLike(*old, entry.sequence);
      history.erase(std::next(old).base());
    } else {
      was_positive = TakeOldLike(interaction.user, entry.item);
    }
  }
  // Nearly always the last place.
  auto at = history.end();
  while (at != history.begin() && std::prev(at)->time_ms > entry.time_ms) --at;
  history.insert(at, entry);
  if (!positive) ++user->dislikes;
  // Trimmed in halves, so that a long history costs O(1) an interaction.
  if (history.size() >= 2 * kMaxHistory) LeaveHistory(interaction.user, user);
  if (positive == was_positive) return Change::kNone;
  return positive ? Change::kMore : Change::kLess;
}

Interactions::Change Interactions::DropFromHistory(UserIndex index,
                                                   ItemIndex item, User* user) {
  const auto old =
      std::find_if(user->history.begin(), user->history.end(),
                   [item](const HistoryEntry& e) { return e.item == item; });
  if (old == user->history.end()) {
    return TakeOldLike(index, item) ? Change::kLess : Change::kNone;
  }
  const bool was_positive = IsPositive(old->kind);
  if (!was_positive) --user->dislikes;
  user->history.erase(old);
  return was_positive ? Change::kLess : Change::kNone;
}

// So that LeaveHistory needs no memory while the next `more` come.
void Interactions::MakeRoomToLeave(UserIndex index, size_t more,
                                   const User& user) {
  const size_t entries = user.history.size() + more;
  if (entries < 2 * kMaxHistory) return;
  MakeRoom(entries - kMaxHistory, &old_likes_[index % kStripes][index]);
}

void Interactions::LeaveHistory(UserIndex index, User* user) {
  std::vector<HistoryEntry>& history = user->history;
  std::vector<ItemIndex>& likes = old_likes_[index % kStripes][index];
  const auto leave = history.end() - kMaxHistory;
  for (auto entry = history.begin(); entry != leave; ++entry) {
    if (IsPositive(entry->kind)) likes.push_back(entry->item);
  }
  std::sort(likes.begin(), likes.end());
  history.erase(history.begin(), leave);
  user->dislikes = CountDislikes(history);
}

// Whether the user likes an item that has left the history; no more, then.
bool Interactions::TakeOldLike(UserIndex index, ItemIndex item) {
  OldLikes& stripe = old_likes_[index % kStripes];
  const auto found = stripe.find(index);
  if (found == stripe.end()) return false;
  std::vector<ItemIndex>& likes = found->second;
  const auto place = std::lower_bound(likes.begin(), likes.end(), item);
  if (place == likes.end() || *place != item) return false;
  likes.erase(place);
  return true;
}

void Interactions::AppendToItem(const Interaction& interaction, Change change) {
  items_.GrowTo(size_t{interaction.item} + 1);
  absl::MutexLock lock(&ItemMutex(interaction.item));
  Item& item = items_.Mutable(interaction.item);
  if (change == Change::kMore) ++item.positives;
  if (change == Change::kLess && item.positives > 0) --item.positives;
  if (interaction.kind == InteractionKind::kRetract) {
    item.recent.erase(
        std::remove(item.recent.begin(), item.recent.end(), interaction.user),
        item.recent.end());
    return;
  }
  ++item.count;
  if (!item.recent.empty() && item.recent.back() == interaction.user) return;
  item.recent.push_back(interaction.user);
  if (item.recent.size() >= 2 * kMaxRecentUsers) {
    item.recent.erase(item.recent.begin(), item.recent.end() - kMaxRecentUsers);
  }
}

size_t Interactions::PositionAfter(Sequence after) const {
  absl::ReaderMutexLock lock(&log_mutex_);
  size_t low = 0;
  size_t high = log_.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (log_[middle].sequence <= after) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void Interactions::Erase(const std::vector<UserIndex>& users,
                         const std::vector<ItemIndex>& items) {
  const absl::flat_hash_set<UserIndex> erased_users(users.begin(), users.end());
  const absl::flat_hash_set<ItemIndex> erased_items(items.begin(), items.end());
  std::vector<size_t> positions;
  absl::flat_hash_map<ItemIndex, std::vector<UserIndex>> users_of;
  absl::flat_hash_map<UserIndex, std::vector<ItemIndex>> items_of;
  size_t position = 0;
  ForEach(0, size(), [&](const Interaction& one) {
    const size_t here = position++;
    if (IsErased(one)) return;
    const bool of_user = erased_users.contains(one.user);
    const bool of_item = erased_items.contains(one.item);
    if (!of_user && !of_item) return;
    positions.push_back(here);
    if (!of_item) users_of[one.item].push_back(one.user);
    if (!of_user) items_of[one.user].push_back(one.item);
  });
  absl::flat_hash_map<ItemIndex, uint32_t> fewer;
  // What may need memory comes before anything is forgotten.
  for (const UserIndex user : erased_users) {
    if (user >= users_.size()) continue;
    absl::MutexLock lock(&UserMutex(user));
    for (const HistoryEntry& entry : users_[user].history) {
      if (IsPositive(entry.kind)) ++fewer[entry.item];
    }
    const OldLikes& stripe = old_likes_[user % kStripes];
    const auto old = stripe.find(user);
    if (old == stripe.end()) continue;
    for (const ItemIndex item : old->second) ++fewer[item];
  }
  for (const UserIndex user : erased_users) {
    if (user >= users_.size()) continue;
    absl::MutexLock lock(&UserMutex(user));
    old_likes_[user % kStripes].erase(user);
    users_.Mutable(user) = User{};
  }
  for (const ItemIndex item : items) {
    if (item >= items_.size()) continue;
    absl::MutexLock lock(&ItemMutex(item));
    items_.Mutable(item) = Item{};
  }
  for (const auto& [item, of] : users_of) ForgetOfItem(item, of, fewer[item]);
  for (const auto& [user, of] : items_of) ForgetOfUser(user, of);
  for (size_t done = 0; done < positions.size();) {
    const size_t stop = std::min(positions.size(), done + kBlock);
    absl::MutexLock lock(&log_mutex_);
    for (; done < stop; ++done) {
      Interaction& one = log_.Mutable(positions[done]);
      const Sequence sequence = one.sequence;
      one = Interaction{};
      one.sequence = sequence;
      one.weight = 0;
    }
  }
  erased_.fetch_add(positions.size(), std::memory_order_relaxed);
}

void Interactions::ForgetOfUser(UserIndex user,
                                const std::vector<ItemIndex>& items) {
  const absl::flat_hash_set<ItemIndex> gone(items.begin(), items.end());
  absl::MutexLock lock(&UserMutex(user));
  User& mine = users_.Mutable(user);
  mine.seen.erase(std::remove_if(mine.seen.begin(), mine.seen.end(),
                                 [&](ItemIndex i) { return gone.contains(i); }),
                  mine.seen.end());
  mine.history.erase(std::remove_if(mine.history.begin(), mine.history.end(),
                                    [&](const HistoryEntry& e) {
                                      return gone.contains(e.item);
                                    }),
                     mine.history.end());
  mine.dislikes = CountDislikes(mine.history);
  for (const ItemIndex item : items) TakeOldLike(user, item);
}

// `users` has one entry for each interaction.
void Interactions::ForgetOfItem(ItemIndex item,
                                const std::vector<UserIndex>& users,
                                uint32_t positives) {
  const absl::flat_hash_set<UserIndex> gone(users.begin(), users.end());
  absl::MutexLock lock(&ItemMutex(item));
  Item& mine = items_.Mutable(item);
  mine.count -=
      std::min<uint32_t>(mine.count, static_cast<uint32_t>(users.size()));
  mine.positives -= std::min(mine.positives, positives);
  mine.recent.erase(
      std::remove_if(mine.recent.begin(), mine.recent.end(),
                     [&](UserIndex u) { return gone.contains(u); }),
      mine.recent.end());
}

}  // namespace taud::model
