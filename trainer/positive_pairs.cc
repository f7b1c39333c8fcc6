#include "trainer/positive_pairs.h"

namespace taud::trainer {

bool PositivePairs::Add(uint32_t user, uint32_t item, float weight) {
  const uint64_t key = (uint64_t{user} << 32) | item;
  const auto [place, is_new] = number_of_.try_emplace(key, size());
  if (!is_new) {
    weights_[place->second] = weight;
    return false;
  }
  users_.push_back(user);
  items_.push_back(item);
  weights_.push_back(weight);
  if (user >= user_degree_.size()) user_degree_.resize(size_t{user} + 1, 0);
  if (item >= item_popularity_.size()) {
    item_popularity_.resize(size_t{item} + 1, 0);
  }
  if (user_degree_[user]++ == 0) ++num_users_;
  if (item_popularity_[item]++ == 0) items_present_.push_back(item);
  return true;
}

}  // namespace taud::trainer
