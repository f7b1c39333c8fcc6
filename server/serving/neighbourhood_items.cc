#include "server/serving/neighbourhood_items.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "index/score_kernels.h"
#include "server/serving/candidate_items.h"

namespace taud::server {
namespace {

using model::ItemIndex;

bool IsBefore(const RankedItem& a, const RankedItem& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

bool GainsLess(const query::NeighbourStrength& a,
               const query::NeighbourStrength& b) {
  return a.strength != b.strength ? a.strength < b.strength : a.item > b.item;
}

const float* RowOf(const ServingModel& model, ItemIndex item) {
  const model::Snapshot& snapshot = *model.snapshot;
  const bool known =
      item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
  return known ? snapshot.items.Row(item) : nullptr;
}

float Cosine(const float* a, const float* b, size_t dim) {
  return std::clamp(index::ExactDot(a, b, dim), -1.0f, 1.0f);
}

// Divides by the sum, so that all together are 1; nothing if there is nothing.
void ToShares(std::vector<float>* values) {
  const float sum = std::accumulate(values->begin(), values->end(), 0.0f);
  if (sum <= 0) return;
  for (float& value : *values) value /= sum;
}

}  // namespace

std::vector<ItemIndex> HistoryOf(const model::State& state,
                                 std::optional<model::UserIndex> user,
                                 absl::Span<const ItemIndex> context,
                                 model::Sequence before) {
  std::vector<ItemIndex> items;
  absl::flat_hash_set<ItemIndex> listed;
  for (const ItemIndex item : context) {
    if (listed.insert(item).second) items.push_back(item);
  }
  if (!user.has_value()) return items;
  std::vector<model::HistoryEntry> history;
  state.interactions.CopyHistorySince(
      *user, 0, 0, query::kMostNeighbourhoodItems, &history, before);
  for (const model::HistoryEntry& entry : history) {
    if (IsPositive(entry.kind) && listed.insert(entry.item).second) {
      items.push_back(entry.item);
    }
  }
  return items;
}

NeighbourGains FindGains(const ServingModel& model,
                         absl::Span<const ItemIndex> history) {
  NeighbourGains gains;
  if (model.neighbour_factors.empty() || history.empty()) return gains;
  thread_local query::NeighbourScratch scratch;
  const model::Snapshot& snapshot = *model.snapshot;
  query::FindStrengths(snapshot.neighbours, snapshot.item_popularity, history,
                       &scratch, &gains);
  for (query::NeighbourStrength& gain : gains) {
    gain.strength *= model.neighbour_factors[gain.item];
  }
  return gains;
}

void MergeGains(const ServingModel& model, const NeighbourGains& gains,
                const std::vector<float>& query, const model::Bitmap* eligible,
                absl::Span<const ItemIndex> forbidden, size_t depth,
                std::vector<RankedItem>* items) {
  if (gains.empty() || depth == 0) return;
  const bool full = items->size() >= depth;
  // Whatever is not in the list has no more than this.
  const float least_cosine = full && model.exact ? items->back().score : 1.0f;
  absl::flat_hash_map<ItemIndex, RankedItem*> listed;
  for (RankedItem& ranked : *items) listed.emplace(ranked.item, &ranked);
  NeighbourGains others;
  for (const query::NeighbourStrength& gain : gains) {
    const auto place = listed.find(gain.item);
    if (place == listed.end()) {
      others.push_back(gain);
    } else {
      place->second->score += gain.strength;
    }
  }
  // From here on a heap whose first is the last of the best.
  std::make_heap(items->begin(), items->end(), IsBefore);
  if (full) {
    const float least_sum = items->front().score;
    others.erase(std::remove_if(others.begin(), others.end(),
                                [&](const query::NeighbourStrength& gain) {
                                  return gain.strength + least_cosine <
                                         least_sum;
                                }),
                 others.end());
  }
  // The greatest gains first, until what is left cannot reach the list: of some
  // ten thousand that a long history names, some hundred are scored.
  std::make_heap(others.begin(), others.end(), GainsLess);
  while (!others.empty()) {
    std::pop_heap(others.begin(), others.end(), GainsLess);
    const auto [item, strength] = others.back();
    others.pop_back();
    const bool enough = items->size() >= depth;
    if (enough && strength + least_cosine < items->front().score) break;
    const float* const row = RowOf(model, item);
    if (row == nullptr || !Allowed(eligible, forbidden, item)) continue;
    RankedItem ranked;
    ranked.item = item;
    ranked.score = Cosine(row, query.data(), model.snapshot->dim()) + strength;
    if (enough) {
      if (!IsBefore(ranked, items->front())) continue;
      std::pop_heap(items->begin(), items->end(), IsBefore);
      items->pop_back();
    }
    items->push_back(ranked);
    std::push_heap(items->begin(), items->end(), IsBefore);
  }
  std::sort_heap(items->begin(), items->end(), IsBefore);
}

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
    const float* const row = RowOf(model, items[i].item);
    for (size_t h = 0; h < history.size() && row != nullptr; ++h) {
      const float* const its = RowOf(model, history[h]);
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
