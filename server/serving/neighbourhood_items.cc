#include "server/serving/neighbourhood_items.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "index/score_kernels.h"
#include "server/serving/candidate_items.h"

namespace taud::server {
namespace {

using model::ItemIndex;

// Gains that are scored at once, their rows fetched side by side.
constexpr size_t kRound = 64;

bool IsBefore(const RankedItem& a, const RankedItem& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

bool GainsMore(const query::NeighbourStrength& a,
               const query::NeighbourStrength& b) {
  return a.strength > b.strength;
}

const float* RowOf(const ServingModel& model, ItemIndex item) {
  const model::Snapshot& snapshot = *model.snapshot;
  const bool known =
      item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
  return known ? snapshot.items.Row(item) : nullptr;
}

void Prefetch(const float* row, size_t dim) {
  for (size_t c = 0; c < dim; c += 16) __builtin_prefetch(row + c);
}

float Cosine(const float* a, const float* b, size_t dim) {
  return std::clamp(index::ExactDot(a, b, dim), -1.0f, 1.0f);
}

using Places = absl::flat_hash_map<ItemIndex, RankedItem*>;

// Gives the items of a list what they gain; `listed` has their bits.
void AddToListed(const NeighbourGains& gains, const model::Bitmap& listed,
                 const Places& place_of) {
  for (const query::NeighbourStrength& gain : gains) {
    // Of a thousand that gain hardly one is listed: its bit is asked first.
    if (!listed.Test(gain.item)) continue;
    place_of.find(gain.item)->second->score += gain.strength;
  }
}

// Copies those of `gains` that `keep` to `kept`, which may be where they are;
// returns how many. What is kept is hard to foresee: nothing branches.
template <typename Keep>
size_t CopyIf(absl::Span<const query::NeighbourStrength> gains, Keep keep,
              query::NeighbourStrength* kept) {
  size_t count = 0;
  for (const query::NeighbourStrength& gain : gains) {
    const bool wanted = keep(gain);
    kept[count] = gain;
    count += wanted ? 1 : 0;
  }
  return count;
}

// Puts it among the `depth` best, a heap whose first is the last of them.
void Offer(const RankedItem& ranked, size_t depth,
           std::vector<RankedItem>* best) {
  if (best->size() >= depth) {
    if (!IsBefore(ranked, best->front())) return;
    std::pop_heap(best->begin(), best->end(), IsBefore);
    best->pop_back();
  }
  best->push_back(ranked);
  std::push_heap(best->begin(), best->end(), IsBefore);
}

// Scores those of a few gains that may be answered and offers them.
void ScoreRound(const ServingModel& model,
                absl::Span<const query::NeighbourStrength> gains,
                const std::vector<float>& query, const model::Bitmap* eligible,
                absl::Span<const ItemIndex> forbidden, size_t depth,
                std::vector<RankedItem>* best) {
  std::array<RankedItem, kRound> scored;
  size_t count = 0;
  for (const query::NeighbourStrength& gain : gains) {
    const float* const row = RowOf(model, gain.item);
    if (row == nullptr || !Allowed(eligible, forbidden, gain.item)) continue;
    Prefetch(row, query.size());
    scored[count].item = gain.item;
    scored[count++].score = gain.strength;
  }
  for (size_t i = 0; i < count; ++i) {
    const float* const row = model.snapshot->items.Row(scored[i].item);
    scored[i].score += Cosine(row, query.data(), query.size());
    Offer(scored[i], depth, best);
  }
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
  // Whatever is not in the list has no more than this.
  const bool full = items->size() >= depth;
  const float least_cosine = full && model.exact ? items->back().score : 1.0f;
  // A bit an item; between calls none is set.
  thread_local model::Bitmap listed;
  thread_local NeighbourGains others;
  Places place_of;
  for (RankedItem& ranked : *items) place_of.emplace(ranked.item, &ranked);
  const size_t known = model.neighbour_factors.size();
  if (listed.size() < known) listed.Resize(known);
  others.resize(gains.size());
  // Nothing throws as long as bits are set.
  for (const RankedItem& ranked : *items) listed.Set(ranked.item);
  AddToListed(gains, listed, place_of);
  std::make_heap(items->begin(), items->end(), IsBefore);
  const auto least_sum = [&] {
    return items->size() < depth ? -std::numeric_limits<float>::infinity()
                                 : items->front().score;
  };
  float least = least_sum();
  size_t left = CopyIf(
      gains,
      [&](const query::NeighbourStrength& gain) {
        return !listed.Test(gain.item) &
               (gain.strength + least_cosine >= least);
      },
      others.data());
  for (const RankedItem& ranked : *items) listed.Clear(ranked.item);
  // The greatest gains first, a round at a time, until what is left cannot
  // reach the list: of some thousand that a history names, some hundred are
  // scored.
  query::NeighbourStrength* begin = others.data();
  while (left > 0) {
    const size_t round = std::min(kRound, left);
    query::NeighbourStrength* const next = begin + round;
    if (round < left) std::nth_element(begin, next, begin + left, GainsMore);
    ScoreRound(model, {begin, round}, query, eligible, forbidden, depth, items);
    begin = next;
    least = least_sum();
    left = CopyIf(
        {begin, left - round},
        [&](const query::NeighbourStrength& gain) {
          return gain.strength + least_cosine >= least;
        },
        begin);
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
