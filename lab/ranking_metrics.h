#ifndef TAUD_LAB_RANKING_METRICS_H_
#define TAUD_LAB_RANKING_METRICS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace taud::lab {

// Quality of one ranked list against the items that were held back.
struct ListQuality {
  double recall = 0;  // hits in the first k ÷ |relevant|
  // DCG@k with gain 1/log2(rank + 1), rank from 1, ÷ the ideal one over
  // min(k, |relevant|).
  double ndcg = 0;
};

// REQUIRES: relevant is not empty, k > 0. Items beyond `ranked` are misses.
ListQuality MeasureList(const std::vector<std::string>& ranked,
                        const absl::flat_hash_set<std::string>& relevant,
                        size_t k);

}  // namespace taud::lab

#endif  // TAUD_LAB_RANKING_METRICS_H_
