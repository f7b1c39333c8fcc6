#include "server/serving/ranking_rules.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

struct World {
  std::vector<RankedItem> items;  // best first
  std::vector<ItemFacts> facts;
};

World MakeWorld(size_t n, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::uniform_real_distribution<float> uniform;
  World world;
  for (size_t i = 0; i < n; ++i) {
    RankedItem item;
    item.item = static_cast<model::ItemIndex>(i);
    item.score = 2 * uniform(random) - 1;
    world.items.push_back(item);
    ItemFacts facts;
    facts.popularity = uniform(random);
    for (const char* tag : {"a", "b", "c"}) {
      if (random() % 3 == 0) facts.tags.push_back(tag);
    }
    world.facts.push_back(facts);
  }
  std::sort(world.items.begin(), world.items.end(),
            [](const RankedItem& a, const RankedItem& b) {
              return a.score > b.score;
            });
  return world;
}

std::vector<RankedItem> Rank(const World& world, const RankingRules& rules,
                             size_t k, size_t* deepest = nullptr) {
  TagQuota quota(rules.max_per_tag);
  auto ranked = RankByRules(
      rules, k, [&](model::ItemIndex i) { return world.facts[i]; },
      [&](size_t depth) -> absl::StatusOr<std::vector<RankedItem>> {
        if (deepest != nullptr) *deepest = std::max(*deepest, depth);
        return std::vector<RankedItem>(
            world.items.begin(),
            world.items.begin() + static_cast<std::ptrdiff_t>(
                                      std::min(depth, world.items.size())));
      },
      &quota);
  EXPECT_TRUE(ranked.ok());
  return *ranked;
}

// By ranking everything.
std::vector<model::ItemIndex> BruteForce(const World& world,
                                         const RankingRules& rules, size_t k) {
  std::vector<std::pair<float, model::ItemIndex>> all;
  for (const RankedItem& item : world.items) {
    const ItemFacts& facts = world.facts[item.item];
    float boost = 0;
    for (const auto& [tag, amount] : rules.boosts) {
      boost += static_cast<float>(
                   std::count(facts.tags.begin(), facts.tags.end(), tag)) *
               amount;
    }
    all.emplace_back(
        -(item.score + (std::clamp(boost, -1.0f, 1.0f) +
                        rules.popularity_weight * facts.popularity)),
        item.item);
  }
  std::sort(all.begin(), all.end());
  TagQuota quota(rules.max_per_tag);
  std::vector<model::ItemIndex> best;
  for (const auto& [score, item] : all) {
    if (best.size() == k) break;
    if (quota.Take(world.facts[item].tags)) best.push_back(item);
  }
  return best;
}

TEST(RankingRulesTest, TheAnswerIsThatOfRankingEverything) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform;
  for (int round = 0; round < 1000; ++round) {
    const World world = MakeWorld(random() % 2000, round);
    RankingRules rules;
    if (random() % 2 == 0) rules.max_per_tag = 1 + random() % 20;
    if (random() % 2 == 0) {
      rules.boosts = {{"a", 2 * uniform(random) - 1},
                      {"b", 2 * uniform(random) - 1}};
    }
    if (random() % 2 == 0) rules.popularity_weight = uniform(random);
    const size_t k = 1 + random() % 50;
    std::vector<model::ItemIndex> actual;
    for (const RankedItem& item : Rank(world, rules, k)) {
      actual.push_back(item.item);
    }
    EXPECT_EQ(actual, BruteForce(world, rules, k)) << "round " << round;
  }
}

TEST(RankingRulesTest, LooksNoDeeperThanNeeded) {
  const World world = MakeWorld(100000, 1);
  RankingRules rules;
  rules.boosts = {{"a", 0.01f}};
  size_t deepest = 0;
  Rank(world, rules, 10, &deepest);
  EXPECT_LT(deepest, 10000u);
}

}  // namespace
}  // namespace taud::server
