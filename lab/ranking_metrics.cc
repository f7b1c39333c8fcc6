#include "lab/ranking_metrics.h"

#include "trainer/evaluation/evaluation.h"

namespace taud::lab {

ListQuality MeasureList(const std::vector<std::string>& ranked,
                        const absl::flat_hash_set<std::string>& relevant,
                        size_t k) {
  trainer::RankedHits hits(relevant.size());
  for (size_t i = 0; i < k; ++i) {
    hits.Next(i < ranked.size() && relevant.contains(ranked[i]));
  }
  return {hits.recall(), hits.ndcg()};
}

}  // namespace taud::lab
