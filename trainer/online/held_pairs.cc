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

uint32_t HeldPairs::NumHeldOf(uint32_t user) const {
  const auto found = num_held_of_.find(user);
  return found == num_held_of_.end() ? 0 : found->second;
}

void HeldPairs::Offer(HeldPair pair, std::vector<HeldPair>* released) {
  released->clear();
  if (pairs_.size() < kMost) return Put(pairs_.size(), std::move(pair));
  const size_t place = LastPlace();
  HeldPair& last = pairs_[place];
  if (OrderOf(turns_[place], last.user) <
      OrderOf(NumHeldOf(pair.user), pair.user)) {
    released->push_back(std::move(pair));
    return;
  }
  // It is the latest of its user's: the turns of the others stay.
  place_of_.erase(KeyOf(last.user, last.item));
  --num_held_of_[last.user];
  released->push_back(std::move(last));
  Put(place, std::move(pair));
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

void HeldPairs::Put(size_t place, HeldPair pair) {
  if (place == pairs_.size()) {
    pairs_.emplace_back();
    turns_.push_back(0);
  }
  const uint32_t user = pair.user;
  place_of_[KeyOf(user, pair.item)] = place;
  pairs_[place] = std::move(pair);
  turns_[place] = 0;
  if (++num_held_of_[user] > 1) SetTurns(user);
  last_place_.reset();
}

void HeldPairs::SetTurns(uint32_t user) {
  std::vector<std::pair<model::Sequence, size_t>> its;
  for (size_t place = 0; place < pairs_.size(); ++place) {
    if (pairs_[place].user == user)
      its.push_back({pairs_[place].sequence, place});
  }
  std::sort(its.begin(), its.end());
  for (uint32_t turn = 0; turn < its.size(); ++turn) {
    turns_[its[turn].second] = turn;
  }
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
  num_held_of_.clear();
  last_place_.reset();
  turns_.assign(pairs_.size(), 0);
  std::vector<size_t> places(pairs_.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::sort(places.begin(), places.end(), [this](size_t a, size_t b) {
    return pairs_[a].sequence < pairs_[b].sequence;
  });
  for (const size_t place : places) {
    const HeldPair& pair = pairs_[place];
    place_of_[KeyOf(pair.user, pair.item)] = place;
    turns_[place] = num_held_of_[pair.user]++;
  }
}

}  // namespace taud::trainer
