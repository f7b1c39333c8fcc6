#include "trainer/sampling/positive_pairs.h"

#include <algorithm>
#include <utility>

namespace taud::trainer {

bool PositivePairs::Add(uint32_t user, uint32_t item, float weight) {
  const auto [place, is_new] =
      number_of_.try_emplace(KeyOf(user, item), size());
  if (!is_new) {
    weights_[place->second] = weight;
    return false;
  }
  users_.push_back(user);
  items_.push_back(item);
  weights_.push_back(weight);
  Count(user, item);
  return true;
}

void PositivePairs::Count(uint32_t user, uint32_t item) {
  if (user >= user_degree_.size()) user_degree_.resize(size_t{user} + 1, 0);
  if (item >= item_popularity_.size()) {
    item_popularity_.resize(size_t{item} + 1, 0);
  }
  if (user_degree_[user]++ == 0) ++num_users_;
  if (item_popularity_[item]++ == 0 && present_.insert(item).second) {
    items_present_.push_back(item);
  }
}

uint32_t PositivePairs::NumberOf(uint32_t user, uint32_t item) const {
  const auto found = number_of_.find(KeyOf(user, item));
  return found == number_of_.end() ? kRemoved : found->second;
}

void PositivePairs::RemoveOne(uint32_t pair) {
  const uint32_t user = users_[pair];
  const uint32_t item = items_[pair];
  number_of_.erase(KeyOf(user, item));
  if (--user_degree_[user] == 0) --num_users_;
  --item_popularity_[item];
  users_[pair] = items_[pair] = kRemoved;
  weights_[pair] = 0;
}

void PositivePairs::Remove(const absl::flat_hash_set<uint32_t>& users,
                           const absl::flat_hash_set<uint32_t>& items,
                           const std::function<void(uint32_t pair)>& visit) {
  for (uint32_t pair = 0; pair < size(); ++pair) {
    const uint32_t user = users_[pair];
    const uint32_t item = items_[pair];
    if (user == kRemoved) continue;
    if (!users.contains(user) && !items.contains(item)) continue;
    visit(pair);
    RemoveOne(pair);
  }
  items_present_.erase(
      std::remove_if(items_present_.begin(), items_present_.end(),
                     [&](uint32_t item) { return items.contains(item); }),
      items_present_.end());
  for (const uint32_t item : items) present_.erase(item);
}

void PositivePairs::Assign(std::vector<uint32_t> users,
                           std::vector<uint32_t> items,
                           std::vector<float> weights,
                           std::vector<uint32_t> present) {
  items_present_ = std::move(present);
  present_.insert(items_present_.begin(), items_present_.end());
  number_of_.reserve(users.size());
  for (uint32_t pair = 0; pair < users.size(); ++pair) {
    if (users[pair] == kRemoved) continue;
    number_of_.emplace(KeyOf(users[pair], items[pair]), pair);
    Count(users[pair], items[pair]);
  }
  users_ = std::move(users);
  items_ = std::move(items);
  weights_ = std::move(weights);
}

}  // namespace taud::trainer
