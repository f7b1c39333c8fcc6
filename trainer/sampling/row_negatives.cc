#include "trainer/sampling/row_negatives.h"

#include <algorithm>
#include <cmath>

namespace taud::trainer {

RowNegatives::RowNegatives(const model::ItemLists& train, uint32_t num_items,
                           double beta, uint64_t seed, uint32_t padding)
    : beta_(beta), random_(seed), known_(train) {
  std::vector<uint32_t> popularity(num_items, 0);
  for (auto& list : known_) {
    std::sort(list.begin(), list.end());
    for (const uint32_t item : list) ++popularity[item];
  }
  double sum = 0;
  for (uint32_t item = 0; item < num_items; ++item) {
    if (popularity[item] == 0 && item < num_items - padding) continue;
    items_.push_back(item);
    if (beta_ <= 0) continue;
    sum += std::pow(popularity[item], beta_);
    cumulative_.push_back(sum);
  }
}

uint32_t RowNegatives::DrawOne() {
  if (cumulative_.empty()) {
    // The high half of a product: uniform, without a division.
    const uint64_t bits = random_() >> 32;
    return items_[(bits * items_.size()) >> 32];
  }
  const double at =
      std::uniform_real_distribution<double>(0.0, cumulative_.back())(random_);
  const auto found =
      std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, at);
  return items_[found - cumulative_.begin()];
}

void RowNegatives::Draw(const uint32_t* users, const uint32_t* positives,
                        int64_t rows, int64_t each, bool leave_out_known,
                        std::vector<uint32_t>* items,
                        std::vector<uint8_t>* excluded) {
  items->clear();
  excluded->clear();
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<uint32_t>& known = known_[users[r]];
    for (int64_t j = 0; j < each; ++j) {
      const uint32_t item = DrawOne();
      const bool out = item == positives[r] ||
                       (leave_out_known &&
                        std::binary_search(known.begin(), known.end(), item));
      items->push_back(item);
      excluded->push_back(out ? 1 : 0);
    }
  }
}

}  // namespace taud::trainer
