#include "trainer/online/held_pairs.h"

#include <algorithm>
#include <numeric>
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

void HeldPairs::Offer(HeldPair pair, size_t room,
                      std::vector<HeldPair>* released) {
  released->clear();
  if (pairs_.size() < std::min(room, kMost)) {
    const uint32_t user = pair.user;
    place_of_[KeyOf(user, pair.item)] = pairs_.size();
    pairs_.push_back(std::move(pair));
    turns_.push_back(0);
    return Count(user);
  }
  const auto held = held_of_.find(pair.user);
  const Held its = held == held_of_.end() ? Held() : held->second;
  if (!pairs_.empty()) {
    const size_t last = LastPlace();
    if (OrderOf(its.num, pair.user) <
        OrderOf(turns_[last], pairs_[last].user)) {
      released->push_back(Replace(last, std::move(pair)));
      return;
    }
  }
  if (its.num > 0 && LotOf(pair) < its.greatest_lot) {
    const size_t place = PlaceOfLot(pair.user, its.greatest_lot);
    pair = Replace(place, std::move(pair));
  }
  released->push_back(std::move(pair));
}

size_t HeldPairs::LastPlace() {
  if (last_place_.has_value()) return *last_place_;
  size_t last = 0;
  for (size_t place = 1; place < pairs_.size(); ++place) {
    if (OrderOf(turns_[last], pairs_[last].user) <
        OrderOf(turns_[place], pairs_[place].user)) {
      last = place;
    }
  }
  last_place_ = last;
  return last;
}

size_t HeldPairs::PlaceOfLot(uint32_t user, uint64_t lot) const {
  size_t place = 0;
  while (pairs_[place].user != user || LotOf(pairs_[place]) != lot) ++place;
  return place;
}

HeldPair HeldPairs::Replace(size_t place, HeldPair pair) {
  std::swap(pairs_[place], pair);
  const HeldPair& now = pairs_[place];
  place_of_.erase(KeyOf(pair.user, pair.item));
  place_of_[KeyOf(now.user, now.item)] = place;
  Count(pair.user);
  if (now.user != pair.user) Count(now.user);
  return pair;
}

void HeldPairs::Count(uint32_t user) {
  last_place_.reset();
  std::vector<std::pair<uint64_t, size_t>> lots;
  for (size_t place = 0; place < pairs_.size(); ++place) {
    if (pairs_[place].user == user) {
      lots.push_back({LotOf(pairs_[place]), place});
    }
  }
  if (lots.empty()) {
    held_of_.erase(user);
    return;
  }
  std::sort(lots.begin(), lots.end());
  for (uint32_t turn = 0; turn < lots.size(); ++turn) {
    turns_[lots[turn].second] = turn;
  }
  held_of_[user] = {static_cast<uint32_t>(lots.size()), lots.back().first};
}

void HeldPairs::SetWeight(uint32_t user, uint32_t item, float weight) {
  const auto found = place_of_.find(KeyOf(user, item));
  if (found != place_of_.end()) pairs_[found->second].weight = weight;
}

void HeldPairs::Remove(uint32_t user, uint32_t item) {
  const auto found = place_of_.find(KeyOf(user, item));
  if (found == place_of_.end()) return;
  pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(found->second));
  Rebuild();
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
  held_of_.clear();
  last_place_.reset();
  turns_.assign(pairs_.size(), 0);
  std::vector<std::pair<uint64_t, size_t>> lots;
  for (size_t place = 0; place < pairs_.size(); ++place) {
    place_of_[KeyOf(pairs_[place].user, pairs_[place].item)] = place;
    lots.push_back({LotOf(pairs_[place]), place});
  }
  std::sort(lots.begin(), lots.end());
  for (const auto& [lot, place] : lots) {
    Held& held = held_of_[pairs_[place].user];
    turns_[place] = held.num++;
    held.greatest_lot = lot;
  }
}

}  // namespace taud::trainer
