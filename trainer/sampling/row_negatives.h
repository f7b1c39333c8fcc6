#ifndef TAUD_TRAINER_SAMPLING_ROW_NEGATIVES_H_
#define TAUD_TRAINER_SAMPLING_ROW_NEGATIVES_H_

#include <cstdint>
#include <random>
#include <vector>

#include "model/item_lists.h"

namespace taud::trainer {

// Draws negatives for each row of a step of its own, with p(i) ∝ popularity^β
// and with replacement: the sampler of the published Adap-τ program.
// Thread-compatible. Deterministic for a seed.
class RowNegatives {
 public:
  // 0 <= beta <= 1. Copies what it needs of `train`. The last `padding` items
  // can be drawn though nobody has them.
  RowNegatives(const model::ItemLists& train, uint32_t num_items, double beta,
               uint64_t seed, uint32_t padding = 0);

  // Replaces *items by `each` for each of the `rows` rows, and marks in
  // *excluded those that are the row's positive or, with `leave_out_known`,
  // another known positive of the user. [rows × each] both.
  void Draw(const uint32_t* users, const uint32_t* positives, int64_t rows,
            int64_t each, bool leave_out_known, std::vector<uint32_t>* items,
            std::vector<uint8_t>* excluded);

 private:
  uint32_t DrawOne();

  const double beta_;
  std::mt19937_64 random_;
  model::ItemLists known_;  // ascending
  std::vector<uint32_t> items_;
  std::vector<double> cumulative_;  // [items_] of popularity^β, if β > 0
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_ROW_NEGATIVES_H_
