#include "index/overfetch.h"

#include <algorithm>

#include "index/block_scan.h"

namespace taud::index {

std::vector<float> GatherVectors(absl::Span<const Query> queries,
                                 const std::vector<size_t>& chosen,
                                 size_t dim) {
  std::vector<float> vectors(chosen.size() * dim);
  for (size_t i = 0; i < chosen.size(); ++i) {
    const float* vector = queries[chosen[i]].vector;
    std::copy(vector, vector + dim, &vectors[i * dim]);
  }
  return vectors;
}

void TakeAllowed(const Query& query, const Eligibility& eligibility,
                 const std::vector<model::ItemIndex>& item_of_row,
                 absl::Span<const float> scores, absl::Span<const int64_t> rows,
                 std::vector<Hit>* hits) {
  for (size_t j = 0; j < rows.size() && rows[j] >= 0; ++j) {
    const model::ItemIndex item = item_of_row[static_cast<size_t>(rows[j])];
    if (!eligibility.Allows(query, item)) continue;
    hits->push_back({item, scores[j]});
    if (hits->size() == query.k) break;
  }
  std::sort(hits->begin(), hits->end(), BetterHit);
}

}  // namespace taud::index
