#ifndef TAUD_TRAINER_EVALUATION_EVALUATION_H_
#define TAUD_TRAINER_EVALUATION_EVALUATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/item_lists.h"
#include "model/snapshot.h"

// No LibTorch header is included here: other rooms may include this file.

namespace taud::trainer {

// All-ranking lists: for each user with an item in `test`, the k items of
// greatest inner product (cosine, for unit rows), best first, except those in
// `train`. Items whose row is zero were never trained and are not ranked. Ties
// go to the lower index. [test.size()] lists, empty for users without test
// items or beyond the matrix.
//
// Pure; runs on `threads` threads of its own for the duration of the call.
model::ItemLists TopItems(const model::Matrix& users,
                          const model::Matrix& items,
                          const model::ItemLists& train,
                          const model::ItemLists& test, size_t k, int threads);

// Adds to the scores [items] of a user. Called on the thread `worker`, from 0.
using AddToScores =
    std::function<void(int worker, uint32_t user, float* scores)>;
// The same with something added to the inner products.
model::ItemLists TopItemsOfSum(const model::Matrix& users,
                               const model::Matrix& items,
                               const model::ItemLists& train,
                               const model::ItemLists& test, size_t k,
                               int threads, const AddToScores& add);

// What an item found at a rank from 1 gains: 1 / log₂(rank + 1), the term of
// DCG. Pure.
double GainOfRank(double rank);

// Recall and NDCG of one ranked list, told rank by rank. Recall@K is the hits
// among the first K over the relevant items; NDCG@K is their gain (GainOfRank)
// over the ideal one, that of a list which begins with min(K, relevant) hits.
// For example, of 2 relevant items one at rank 1 and none at 2: after two ranks
// recall is .5, NDCG 1 / (1 + .63) = .61.
class RankedHits {
 public:
  // REQUIRES: relevant > 0.
  explicit RankedHits(size_t relevant) : relevant_(relevant) {}

  // Whether the item of the next rank, from 1 on, is relevant.
  void Next(bool hit);

  // At K = the ranks so far; NDCG REQUIRES one.
  double hits() const { return hits_; }
  double recall() const { return hits_ / static_cast<double>(relevant_); }
  double ndcg() const { return gain_ / ideal_; }

 private:
  const size_t relevant_;
  size_t ranks_ = 0;
  double hits_ = 0, gain_ = 0, ideal_ = 0;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_EVALUATION_EVALUATION_H_
