#include "server/serving/item_reasons.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "query/neighbourhood.h"

namespace taud::server {
namespace {

using model::ItemIndex;

// Divides by the sum, so that all together are 1; nothing if there is nothing.
void ToShares(std::vector<float>* values) {
  const float sum = std::accumulate(values->begin(), values->end(), 0.0f);
  if (sum <= 0) return;
  for (float& value : *values) value /= sum;
}

}  // namespace

std::vector<std::vector<ItemReason>> FindReasons(
    const ServingModel& model, absl::Span<const ItemIndex> history,
    absl::Span<const RankedItem> items) {
  history = history.subspan(0, query::kMostNeighbourhoodItems);
  const size_t dim = model.snapshot->dim();
  const std::vector<uint32_t>& popularity = model.snapshot->item_popularity;
  absl::flat_hash_map<ItemIndex, size_t> place_of;
  for (size_t i = 0; i < items.size(); ++i) place_of[items[i].item] = i;
  // [items][history] what the lists say.
  std::vector<std::vector<float>> by_lists(
      items.size(), std::vector<float>(history.size(), 0.0f));
  for (size_t h = 0; h < history.size(); ++h) {
    if (history[h] >= popularity.size() || popularity[history[h]] == 0)
      continue;
    const float scale =
        1 / std::sqrt(static_cast<float>(popularity[history[h]]));
    for (const model::Neighbour& one :
         model.snapshot->neighbours.Of(history[h])) {
      const auto place = place_of.find(one.item);
      if (place != place_of.end()) {
        by_lists[place->second][h] = one.weight * scale;
      }
    }
  }
  std::vector<std::vector<ItemReason>> reasons(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    std::vector<float> cosines(history.size(), 0.0f);
    const float* const row = ItemRow(model, items[i].item);
    for (size_t h = 0; h < history.size() && row != nullptr; ++h) {
      const float* const its = ItemRow(model, history[h]);
      if (its != nullptr) cosines[h] = std::max(0.0f, Cosine(row, its, dim));
    }
    ToShares(&cosines);
    ToShares(&by_lists[i]);
    std::vector<float> both(history.size());
    for (size_t h = 0; h < both.size(); ++h) {
      both[h] = cosines[h] + by_lists[i][h];
    }
    ToShares(&both);
    for (size_t h = 0; h < both.size(); ++h) {
      if (both[h] > 0) reasons[i].push_back({history[h], both[h]});
    }
    std::stable_sort(reasons[i].begin(), reasons[i].end(),
                     [](const ItemReason& a, const ItemReason& b) {
                       return a.share > b.share;
                     });
    if (reasons[i].size() > kMostReasons) reasons[i].resize(kMostReasons);
  }
  return reasons;
}

}  // namespace taud::server
