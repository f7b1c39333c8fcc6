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

void HeldPairs::Offer(HeldPair pair, std::vector<HeldPair>* released) {
  released->clear();
  ++offered_;
  if (pairs_.size() < kMost) {
    place_of_[KeyOf(pair.user, pair.item)] = pairs_.size();
    pairs_.push_back(std::move(pair));
    return;
  }
  const uint64_t place = Mix(offered_ ^ pair.sequence << 20) % offered_;
  if (place < pairs_.size()) {
    HeldPair& held = pairs_[place];
    place_of_.erase(KeyOf(held.user, held.item));
    place_of_[KeyOf(pair.user, pair.item)] = place;
    std::swap(held, pair);
  }
  released->push_back(std::move(pair));
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
  place_of_.clear();
  offered_ = 0;
  std::sort(all.begin(), all.end(), [](const HeldPair& a, const HeldPair& b) {
    return a.sequence < b.sequence;
  });
  return all;
}

void HeldPairs::Assign(std::vector<HeldPair> pairs, uint64_t offered) {
  pairs_ = std::move(pairs);
  offered_ = offered;
  Rebuild();
}

void HeldPairs::Rebuild() {
  place_of_.clear();
  for (size_t place = 0; place < pairs_.size(); ++place) {
    place_of_[KeyOf(pairs_[place].user, pairs_[place].item)] = place;
  }
}

}  // namespace taud::trainer
