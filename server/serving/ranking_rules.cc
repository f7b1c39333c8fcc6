#include "server/serving/ranking_rules.h"

#include <algorithm>
#include <limits>

namespace taud::server {
namespace {

float Added(const RankingRules& rules, const ItemFacts& facts) {
  float boost = 0;
  for (const auto& [tag, amount] : rules.boosts) {
    const bool has = std::find(facts.tags.begin(), facts.tags.end(), tag) !=
                     facts.tags.end();
    if (has) boost += amount;
  }
  return std::clamp(boost, -1.0f, 1.0f) +
         rules.popularity_weight * facts.popularity;
}

// The most that rules can add to any item.
float MostAdded(const RankingRules& rules) {
  float boost = 0;
  for (const auto& [tag, amount] : rules.boosts)
    boost += std::max(amount, 0.0f);
  return std::min(boost, 1.0f) + rules.popularity_weight;
}

struct Ruled {
  RankedItem item;
  std::vector<std::string> tags;
};

}  // namespace

bool TagQuota::Take(const std::vector<std::string>& tags) {
  if (max_ == 0) return true;
  for (const std::string& tag : tags) {
    const auto it = taken_.find(tag);
    if (it != taken_.end() && it->second >= max_) return false;
  }
  Count(tags);
  return true;
}

void TagQuota::Count(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) ++taken_[tag];
}

void TagQuota::Give(const std::vector<std::string>& tags) {
  if (max_ == 0) return;
  for (const std::string& tag : tags) {
    const auto it = taken_.find(tag);
    if (it != taken_.end() && it->second > 0) --it->second;
  }
}

absl::StatusOr<std::vector<RankedItem>> RankByRules(
    const RankingRules& rules, size_t k,
    const std::function<ItemFacts(model::ItemIndex)>& facts,
    const std::function<absl::StatusOr<std::vector<RankedItem>>(size_t)>&
        source,
    TagQuota* quota) {
  const float most = MostAdded(rules);
  for (size_t depth = std::max<size_t>(4 * k, 64);; depth *= 4) {
    auto best = source(depth);
    if (!best.ok()) return best.status();
    const bool all = best->size() < depth;
    // Nothing deeper can be ranked above this.
    const float deeper = all ? -std::numeric_limits<float>::infinity()
                             : best->back().score + most;
    std::vector<Ruled> ruled;
    for (RankedItem& item : *best) {
      ItemFacts known = facts(item.item);
      item.rank_score = item.score + Added(rules, known);
      ruled.push_back({item, std::move(known.tags)});
    }
    std::sort(ruled.begin(), ruled.end(), [](const Ruled& a, const Ruled& b) {
      return a.item.rank_score != b.item.rank_score
                 ? a.item.rank_score > b.item.rank_score
                 : a.item.item < b.item.item;
    });
    TagQuota taken = *quota;
    std::vector<RankedItem> chosen;
    for (const Ruled& candidate : ruled) {
      if (chosen.size() == k || candidate.item.rank_score <= deeper) break;
      if (taken.Take(candidate.tags)) chosen.push_back(candidate.item);
    }
    if (chosen.size() < k && !all) continue;
    *quota = std::move(taken);
    return chosen;
  }
}

}  // namespace taud::server
