#ifndef TAUD_TESTS_TRAINER_EVALUATE_RANKING_H_
#define TAUD_TESTS_TRAINER_EVALUATE_RANKING_H_

#include <algorithm>
#include <cstddef>

#include "model/item_lists.h"
#include "model/snapshot.h"
#include "trainer/evaluation/evaluation.h"

namespace taud::trainer {

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
inline RankingQuality EvaluateRanking(const model::Matrix& users,
                                      const model::Matrix& items,
                                      const model::ItemLists& train,
                                      const model::ItemLists& test, size_t k,
                                      int threads) {
  RankingQuality quality;
  if (k == 0) return quality;
  const model::ItemLists lists =
      TopItems(users, items, train, test, k, threads);
  for (size_t u = 0; u < test.size(); ++u) {
    if (test[u].empty()) continue;
    ++quality.users;
    RankedHits hits(test[u].size());
    for (size_t rank = 0; rank < k; ++rank) {
      hits.Next(rank < lists[u].size() &&
                std::find(test[u].begin(), test[u].end(), lists[u][rank]) !=
                    test[u].end());
    }
    quality.recall += hits.recall();
    quality.ndcg += hits.ndcg();
  }
  if (quality.users == 0) return quality;
  quality.recall /= static_cast<double>(quality.users);
  quality.ndcg /= static_cast<double>(quality.users);
  return quality;
}

}  // namespace taud::trainer

#endif  // TAUD_TESTS_TRAINER_EVALUATE_RANKING_H_
