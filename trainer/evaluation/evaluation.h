#ifndef TAUD_TRAINER_EVALUATION_EVALUATION_H_
#define TAUD_TRAINER_EVALUATION_EVALUATION_H_

#include <cstddef>
#include <cstdint>
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

// What an item found at a rank from 1 gains: 1 / log₂(rank + 1), the term of
// DCG. Pure.
double GainOfRank(double rank);

struct RankingQuality {
  double recall = 0;  // mean over users of hits@K ÷ |test items|
  // mean over users of DCG@K ÷ ideal DCG over min(K, |test items|), with
  // gain 1 / log2(rank + 1)
  double ndcg = 0;
  size_t users = 0;  // that had test items
};

// All-ranking evaluation: looks for the `test` items in the lists of TopItems.
// A test item beyond the matrix counts as missed, a user beyond it has hits 0.
// Pure; threads as TopItems.
RankingQuality EvaluateRanking(const model::Matrix& users,
                               const model::Matrix& items,
                               const model::ItemLists& train,
                               const model::ItemLists& test, size_t k,
                               int threads);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_EVALUATION_EVALUATION_H_
