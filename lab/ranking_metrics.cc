#include "lab/ranking_metrics.h"

#include "trainer/evaluation/evaluation.h"

namespace taud::lab {

ListQuality MeasureList(const std::vector<std::string>& ranked,
                        const absl::flat_hash_set<std::string>& relevant,
                        size_t k) {
  double hits = 0;
  double dcg = 0;
  double ideal = 0;
  for (size_t i = 0; i < k; ++i) {
    const double gain = trainer::GainOfRank(static_cast<double>(i) + 1);
    if (i < relevant.size()) ideal += gain;
    if (i >= ranked.size() || !relevant.contains(ranked[i])) continue;
    hits += 1;
    dcg += gain;
  }
  return {hits / static_cast<double>(relevant.size()), dcg / ideal};
}

}  // namespace taud::lab
