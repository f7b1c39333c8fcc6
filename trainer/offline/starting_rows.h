#ifndef TAUD_TRAINER_OFFLINE_STARTING_ROWS_H_
#define TAUD_TRAINER_OFFLINE_STARTING_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "model/item_lists.h"
#include "model/snapshot.h"

// Where the rows of an offline fit start. Pure functions, any thread. All
// learners use them, so that the same seed starts all of them from the same
// rows.

namespace taud::trainer {

// The users and items that have an interaction in `train`. The others' rows
// stay zero and are never ranked.
struct TakingPart {
  std::vector<bool> users;  // [train.size()]
  std::vector<bool> items;  // [num_items]
};
TakingPart WhoTakesPart(const model::ItemLists& train, uint32_t num_items);

// [takes_part.size() × dim]: for each row that takes part, in their order, a
// point drawn uniformly from the unit sphere; the others are zero.
model::Matrix DrawUnitRows(const std::vector<bool>& takes_part, size_t dim,
                           std::mt19937_64* random);

// What the draws above begin with, for a fit of this seed.
std::mt19937_64 StartingRandom(uint64_t seed);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_STARTING_ROWS_H_
