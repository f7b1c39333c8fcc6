#ifndef TAUD_TRAINER_POSITIVE_PAIRS_H_
#define TAUD_TRAINER_POSITIVE_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace taud::trainer {

// The distinct positive (user, item) pairs in order of first appearance: what
// there is to learn. A pair's number never changes. Thread-compatible.
class PositivePairs {
 public:
  // True if the pair is new; it then has number size() − 1. A repeated pair
  // takes the newer weight.
  bool Add(uint32_t user, uint32_t item, float weight);

  uint32_t size() const { return static_cast<uint32_t>(users_.size()); }
  uint32_t user(uint32_t pair) const { return users_[pair]; }
  uint32_t item(uint32_t pair) const { return items_[pair]; }
  float weight(uint32_t pair) const { return weights_[pair]; }

  // Distinct pairs by user and by item; indices beyond the end have none.
  const std::vector<uint32_t>& user_degree() const { return user_degree_; }
  const std::vector<uint32_t>& item_popularity() const {
    return item_popularity_;
  }
  // Users and items that have at least one pair.
  size_t num_users() const { return num_users_; }
  const std::vector<uint32_t>& items_present() const { return items_present_; }

 private:
  std::vector<uint32_t> users_, items_;  // [size()]
  std::vector<float> weights_;           // [size()]
  absl::flat_hash_map<uint64_t, uint32_t> number_of_;
  std::vector<uint32_t> user_degree_, item_popularity_;
  std::vector<uint32_t> items_present_;  // distinct, by first appearance
  size_t num_users_ = 0;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_POSITIVE_PAIRS_H_
