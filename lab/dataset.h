#ifndef TAUD_LAB_DATASET_H_
#define TAUD_LAB_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "model/item_lists.h"

// Data sets for experiments, as adjacency lists. Pure functions.

namespace taud::lab {

struct Dataset {
  model::ItemLists train;  // [user] → its items, distinct, ascending
  model::ItemLists test;   // the same number of users
  uint32_t items = 0;

  uint64_t train_pairs() const;
  uint64_t test_pairs() const;
  // Users that have test items but nothing to learn from.
  size_t cold_users() const;
  // Of the pairs: the same data has the same, wherever it lies.
  uint64_t Fingerprint() const;
};

// Reads DIR/train.txt and DIR/test.txt in LightGCN's format: a line a user,
// `user item item …`, whole numbers up to kMaxId in any order and with any
// gaps; the users and items of the Dataset are those that have a pair in one
// of the files, by ascending number. Items may be missing; a user may have
// several lines; repeated items count once. NOT_FOUND without the files;
// INVALID_ARGUMENT, naming file and line, for anything that is not a number or
// is beyond kMaxId, and for files without any pair.
inline constexpr uint64_t kMaxId = UINT64_MAX - 1;
absl::StatusOr<Dataset> ReadDataset(const std::string& directory);

struct Split {
  model::ItemLists fit;         // what is left to learn from
  model::ItemLists validation;  // what was cut out
};

// Cuts `share` of each user's pairs out, as the published splits are made, but
// leaves each user and each item at least one. The same seed gives the same
// cut.
Split CutValidation(const model::ItemLists& train, double share, uint64_t seed);

}  // namespace taud::lab

#endif  // TAUD_LAB_DATASET_H_
