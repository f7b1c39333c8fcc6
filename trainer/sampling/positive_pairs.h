#ifndef TAUD_TRAINER_SAMPLING_POSITIVE_PAIRS_H_
#define TAUD_TRAINER_SAMPLING_POSITIVE_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace taud::trainer {

// The distinct positive (user, item) pairs in order of first appearance: what
// there is to learn. A pair's number never changes; a removed pair leaves its
// number behind. Thread-compatible.
class PositivePairs {
 public:
  // True if the pair is new; it then has number size() − 1. A repeated pair
  // takes the newer weight.
  bool Add(uint32_t user, uint32_t item, float weight);

  // The number of a pair; kRemoved if there is none.
  uint32_t NumberOf(uint32_t user, uint32_t item) const;
  // Removes one pair that there is. The item is still present.
  void RemoveOne(uint32_t pair);

  // What stands for the user and the item of a removed pair.
  static constexpr uint32_t kRemoved = 0xffffffff;

  bool Contains(uint32_t user, uint32_t item) const {
    return number_of_.contains(KeyOf(user, item));
  }

  // Removes the pairs of the users and with the items; visit(pair) is called
  // for each before. The items are no longer present; an item that has lost
  // all of its users still is. O(size()).
  void Remove(const absl::flat_hash_set<uint32_t>& users,
              const absl::flat_hash_set<uint32_t>& items,
              const std::function<void(uint32_t pair)>& visit);

  // Takes over what the accessors of another object gave. REQUIRES: vectors of
  // one length; distinct pairs or kRemoved; every item of a pair in `present`,
  // which is distinct; nothing was added.
  void Assign(std::vector<uint32_t> users, std::vector<uint32_t> items,
              std::vector<float> weights, std::vector<uint32_t> present);
  const std::vector<uint32_t>& users() const { return users_; }
  const std::vector<uint32_t>& items() const { return items_; }
  const std::vector<float>& weights() const { return weights_; }
  bool IsRemoved(uint32_t pair) const { return users_[pair] == kRemoved; }

  // Numbers given, removed ones counted.
  uint32_t size() const { return static_cast<uint32_t>(users_.size()); }
  // Those that were not removed.
  uint32_t live() const { return static_cast<uint32_t>(number_of_.size()); }
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
  static uint64_t KeyOf(uint32_t user, uint32_t item) {
    return (uint64_t{user} << 32) | item;
  }
  void Count(uint32_t user, uint32_t item);

  std::vector<uint32_t> users_, items_;  // [size()]
  std::vector<float> weights_;           // [size()]
  absl::flat_hash_map<uint64_t, uint32_t> number_of_;
  std::vector<uint32_t> user_degree_, item_popularity_;
  std::vector<uint32_t> items_present_;    // distinct, by first appearance
  absl::flat_hash_set<uint32_t> present_;  // the same
  size_t num_users_ = 0;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_POSITIVE_PAIRS_H_
