#include "trainer/offline/starting_rows.h"

#include "trainer/kernels/unit_row.h"

namespace taud::trainer {

TakingPart WhoTakesPart(const model::ItemLists& train, uint32_t num_items) {
  TakingPart taking{std::vector<bool>(train.size(), false),
                    std::vector<bool>(num_items, false)};
  for (size_t user = 0; user < train.size(); ++user) {
    taking.users[user] = !train[user].empty();
    for (const uint32_t item : train[user]) taking.items[item] = true;
  }
  return taking;
}

model::Matrix DrawUnitRows(const std::vector<bool>& takes_part, size_t dim,
                           std::mt19937_64* random) {
  model::Matrix rows(takes_part.size(), dim);
  for (size_t row = 0; row < rows.rows; ++row) {
    if (takes_part[row]) RandomUnitRow(random, dim, rows.Row(row));
  }
  return rows;
}

std::mt19937_64 StartingRandom(uint64_t seed) {
  // Pairs and negatives are drawn from the seeds beside it.
  return std::mt19937_64(seed + 2);
}

}  // namespace taud::trainer
