#include "query/common_taste.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/unit_norm.h"
#include "query/query_weights.h"

namespace taud::query {

void AddCommonTaste(double prior, const model::ItemLists& train,
                    model::Matrix* users) {
  if (prior <= 0) return;
  model::Matrix queries = *users;
  std::vector<uint32_t> lengths(queries.rows, 0);
  std::vector<float> row(queries.cols);
  for (size_t user = 0; user < queries.rows; ++user) {
    float* const from = queries.Row(user);
    row.assign(from, from + queries.cols);
    if (train[user].empty() || !model::Normalise(&row)) continue;
    lengths[user] = static_cast<uint32_t>(train[user].size());
    std::copy(row.begin(), row.end(), from);
  }
  std::vector<float> taste = MeanRow(queries, lengths);
  if (!model::Normalise(&taste)) return;
  for (size_t user = 0; user < queries.rows; ++user) {
    if (lengths[user] == 0) continue;
    const float weight = static_cast<float>(prior / lengths[user]);
    float* const to = queries.Row(user);
    for (size_t c = 0; c < queries.cols; ++c) to[c] += weight * taste[c];
  }
  *users = std::move(queries);
}

void LeaveCommonTaste(absl::Span<const float> taste, std::vector<float>* row) {
  constexpr float kLeftOut = 0.5f;
  float dot = 0;
  for (size_t c = 0; c < row->size(); ++c) dot += (*row)[c] * taste[c];
  for (size_t c = 0; c < row->size(); ++c) {
    (*row)[c] -= kLeftOut * dot * taste[c];
  }
  model::Normalise(row);
}

}  // namespace taud::query
