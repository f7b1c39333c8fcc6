#include "lab/query_prior.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/query_weights.h"

namespace taud::lab {

double ChoosePrior(const std::vector<SliceTrial>& trials) {
  const double enough = kAsGood * BestMerit(trials);
  for (const SliceTrial& trial : trials) {
    if (Merit(trial) >= enough) return trial.value;
  }
  return 0;
}

void AddCommonTaste(double prior, const trainer::ItemLists& train,
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
  std::vector<float> taste = model::MeanRow(queries, lengths);
  if (!model::Normalise(&taste)) return;
  for (size_t user = 0; user < queries.rows; ++user) {
    if (lengths[user] == 0) continue;
    const float weight = static_cast<float>(prior / lengths[user]);
    float* const to = queries.Row(user);
    for (size_t c = 0; c < queries.cols; ++c) to[c] += weight * taste[c];
  }
  *users = std::move(queries);
}

}  // namespace taud::lab
