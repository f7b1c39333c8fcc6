#ifndef TAUD_TRAINER_EVALUATION_H_
#define TAUD_TRAINER_EVALUATION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/snapshot.h"

// No LibTorch header is included here: other rooms may include this file.

namespace taud::trainer {

// Items by user: [user] → its items, in any order.
using ItemLists = std::vector<std::vector<uint32_t>>;

struct RankingQuality {
  double recall = 0;  // mean over users of hits@K ÷ |test items|
  // mean over users of DCG@K ÷ ideal DCG over min(K, |test items|), with
  // gain 1 / log2(rank + 1)
  double ndcg = 0;
  size_t users = 0;  // that had test items
};

// All-ranking evaluation: for each user with test items, ranks every item by
// the inner product of the rows (cosine, for unit rows) except those in
// `train`, and looks for the `test` items among the first k. Items whose row is
// zero were never trained and are not ranked; a test item beyond the matrix
// counts as missed, a user beyond it has hits 0. Ties go to the lower index.
//
// Pure; runs on `threads` threads of its own for the duration of the call.
RankingQuality EvaluateRanking(const model::Matrix& users,
                               const model::Matrix& items,
                               const ItemLists& train, const ItemLists& test,
                               size_t k, int threads);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_EVALUATION_H_
