#include "trainer/online/held_pairs.h"

#include <algorithm>
#include <utility>

namespace taud::trainer {
namespace {

// One in so many may be held: the rest has to be enough to learn from.
constexpr uint64_t kOneIn = 10;

// The finaliser of SplitMix64: every bit of the result depends on all of x.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

bool HeldPairs::IsCandidate(uint32_t user, uint32_t item) {
  return Mix(KeyOf(user, item) + 1) % kOneIn == 0;
}

HeldPairs::Order HeldPairs::OrderOf(uint32_t turn, uint32_t user) {
  return {turn, Mix(user + uint64_t{1})};
}

uint64_t HeldPairs::LotOf(const HeldPair& pair) {
  return Mix(KeyOf(pair.user, pair.item));
}

size_t HeldPairs::RoomFor(size_t live_pairs, size_t items) {
  constexpr size_t kMostScores = size_t{4096} * 41000;
  const size_t askable = kMostScores / std::max<size_t>(1, items);
  const size_t dear = std::max<size_t>(2048, live_pairs / 80);
  return std::min({live_pairs / kOneIn, dear, askable, kMost});
}

void HeldPairs::Offer(HeldPair pair, size_t room,
                      std::vector<HeldPair>* released) {
  released->clear();
  const uint32_t user = pair.user;
  const auto found = places_of_.find(user);
  const bool has_most =
      found != places_of_.end() && found->second.size() >= kMostOfAUser;
  if (has_most && LotOf(pairs_[found->second.back()]) < LotOf(pair)) {
    released->push_back(std::move(pair));
  } else {
    Insert(std::move(pair));
    if (has_most) released->push_back(TakeOut(places_of_[user].back()));
  }
  while (released->size() < 2 && pairs_.size() > room) {
    released->push_back(TakeOut(order_.rbegin()->second));
  }
}

void HeldPairs::Insert(HeldPair pair) {
  const uint32_t user = pair.user;
  const size_t place = pairs_.size();
  Unlist(user);
  std::vector<size_t>& its = places_of_[user];
  const uint64_t lot = LotOf(pair);
  const auto behind = std::find_if(its.begin(), its.end(), [&](size_t other) {
    return LotOf(pairs_[other]) > lot;
  });
  its.insert(behind, place);
  place_of_[KeyOf(user, pair.item)] = place;
  pairs_.push_back(std::move(pair));
  List(user);
}

HeldPair HeldPairs::TakeOut(size_t place) {
  const uint32_t user = pairs_[place].user;
  const uint32_t moved = pairs_.back().user;
  const size_t back = pairs_.size() - 1;
  Unlist(user);
  if (moved != user) Unlist(moved);
  HeldPair pair = std::move(pairs_[place]);
  place_of_.erase(KeyOf(user, pair.item));
  std::vector<size_t>& its = places_of_[user];
  its.erase(std::find(its.begin(), its.end(), place));
  if (place != back) {
    pairs_[place] = std::move(pairs_.back());
    place_of_[KeyOf(moved, pairs_[place].item)] = place;
    for (size_t& other : places_of_[moved]) {
      if (other == back) other = place;
    }
  }
  pairs_.pop_back();
  List(user);
  if (moved != user) List(moved);
  return pair;
}

std::vector<std::pair<HeldPairs::Order, size_t>> HeldPairs::EntriesOf(
    uint32_t user) const {
  std::vector<std::pair<Order, size_t>> entries;
  const auto found = places_of_.find(user);
  if (found == places_of_.end()) return entries;
  for (const size_t place : found->second) {
    const auto turn = static_cast<uint32_t>(entries.size());
    entries.push_back({OrderOf(turn, user), place});
  }
  return entries;
}

void HeldPairs::List(uint32_t user) {
  const auto entries = EntriesOf(user);
  order_.insert(entries.begin(), entries.end());
  if (entries.empty()) places_of_.erase(user);
}

void HeldPairs::Unlist(uint32_t user) {
  for (const auto& entry : EntriesOf(user)) order_.erase(entry);
}

void HeldPairs::SetWeight(uint32_t user, uint32_t item, float weight) {
  const auto found = place_of_.find(KeyOf(user, item));
  if (found != place_of_.end()) pairs_[found->second].weight = weight;
}

void HeldPairs::Remove(uint32_t user, uint32_t item) {
  const auto found = place_of_.find(KeyOf(user, item));
  if (found != place_of_.end()) TakeOut(found->second);
}

void HeldPairs::Forget(const absl::flat_hash_set<uint32_t>& users,
                       const absl::flat_hash_set<uint32_t>& items) {
  const auto gone = [&](const HeldPair& pair) {
    return users.contains(pair.user) || items.contains(pair.item);
  };
  pairs_.erase(std::remove_if(pairs_.begin(), pairs_.end(), gone),
               pairs_.end());
  for (HeldPair& pair : pairs_) {
    pair.recent.erase(std::remove_if(pair.recent.begin(), pair.recent.end(),
                                     [&](const auto& entry) {
                                       return items.contains(entry.item);
                                     }),
                      pair.recent.end());
  }
  Rebuild();
}

std::vector<HeldPair> HeldPairs::TakeAll() {
  std::vector<HeldPair> all = std::exchange(pairs_, {});
  Rebuild();
  std::sort(all.begin(), all.end(), [](const HeldPair& a, const HeldPair& b) {
    return a.sequence < b.sequence;
  });
  return all;
}

void HeldPairs::Assign(std::vector<HeldPair> pairs) {
  pairs_ = std::move(pairs);
  Rebuild();
}

void HeldPairs::Rebuild() {
  place_of_.clear();
  places_of_.clear();
  order_.clear();
  std::vector<std::pair<uint64_t, size_t>> lots;
  for (size_t place = 0; place < pairs_.size(); ++place) {
    place_of_[KeyOf(pairs_[place].user, pairs_[place].item)] = place;
    lots.push_back({LotOf(pairs_[place]), place});
  }
  std::sort(lots.begin(), lots.end());
  for (const auto& [lot, place] : lots) {
    const uint32_t user = pairs_[place].user;
    std::vector<size_t>& its = places_of_[user];
    order_.insert({OrderOf(static_cast<uint32_t>(its.size()), user), place});
    its.push_back(place);
  }
}

}  // namespace taud::trainer
