#include "server/serving/ranking_rules.h"

#include <algorithm>
#include <limits>

namespace taud::server {
namespace {

using model::ItemIndex;
using model::TagId;

// The most that rules can add to any item.
float MostAdded(const RankingRules& rules) {
  float boost = 0;
  for (const auto& [when, amount] : rules.boosts)
    boost += std::max(amount, 0.0f);
  return std::min(boost, 1.0f) + rules.popularity_weight;
}

bool RanksBefore(const RankedItem& a, const RankedItem& b) {
  return a.rank_score != b.rank_score ? a.rank_score > b.rank_score
                                      : a.item < b.item;
}

// Sorts by the rules; (*facts)[i] goes with (*items)[i].
void SortByRules(const RankingRules& rules, std::vector<RankedItem>* items,
                 std::vector<ItemFacts>* facts) {
  std::vector<std::pair<RankedItem, ItemFacts>> both;
  both.reserve(items->size());
  for (size_t i = 0; i < items->size(); ++i) {
    const ItemFacts& known = (*facts)[i];
    RankedItem& item = (*items)[i];
    item.rank_score = item.score + std::clamp(known.boost, -1.0f, 1.0f) +
                      rules.popularity_weight * known.popularity;
    both.emplace_back(item, known);
  }
  std::sort(both.begin(), both.end(), [](const auto& a, const auto& b) {
    return RanksBefore(a.first, b.first);
  });
  for (size_t i = 0; i < both.size(); ++i) {
    (*items)[i] = both[i].first;
    (*facts)[i] = both[i].second;
  }
}

}  // namespace

bool TagQuota::Take(absl::Span<const TagId> tags) {
  if (max_ == 0) return true;
  for (const TagId tag : tags) {
    const auto it = taken_.find(tag);
    if (it != taken_.end() && it->second >= max_) return false;
  }
  Count(tags);
  return true;
}

void TagQuota::Count(absl::Span<const TagId> tags) {
  for (const TagId tag : tags) {
    if (++taken_[tag] == max_) newly_full_.push_back(tag);
  }
}

void TagQuota::Give(absl::Span<const TagId> tags) {
  if (max_ == 0) return;
  for (const TagId tag : tags) {
    const auto it = taken_.find(tag);
    if (it != taken_.end() && it->second > 0) --it->second;
  }
}

std::vector<TagId> TagQuota::TakeNewlyFull() {
  return std::exchange(newly_full_, {});
}

absl::StatusOr<std::vector<RankedItem>> RankByRules(const RankingRules& rules,
                                                    size_t k,
                                                    RankingSource* source,
                                                    TagQuota* quota) {
  const float most = MostAdded(rules);
  std::vector<RankedItem> chosen;
  std::vector<ItemFacts> facts;
  size_t looked_at = 0;
  size_t depth = std::max<size_t>(4 * k, 64);
  source->Leave({}, quota->TakeNewlyFull());
  for (int round = 1;; ++round) {
    depth = std::min(depth, kMaxRankedItems - looked_at);
    auto best = source->Best(depth);
    if (!best.ok()) return best.status();
    looked_at += best->size();
    const bool last = best->size() < depth || looked_at >= kMaxRankedItems ||
                      round == kMaxRankingRounds;
    // Nothing that was not found can be ranked above this.
    const float deeper = last ? -std::numeric_limits<float>::infinity()
                              : best->back().score + most;
    source->Describe(*best, &facts);
    SortByRules(rules, &*best, &facts);
    std::vector<ItemIndex> decided;
    for (size_t i = 0; i < best->size() && chosen.size() < k; ++i) {
      const RankedItem& candidate = (*best)[i];
      if (candidate.rank_score <= deeper) break;
      decided.push_back(candidate.item);
      if (quota->Take(facts[i].tags)) chosen.push_back(candidate);
    }
    if (chosen.size() >= k || last) return chosen;
    // Where little could be decided, it takes more to decide.
    if (decided.size() < depth / 4) depth *= 4;
    source->Leave(decided, quota->TakeNewlyFull());
  }
}

}  // namespace taud::server
