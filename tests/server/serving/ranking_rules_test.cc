#include "server/serving/ranking_rules.h"

#include <algorithm>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

struct World {
  std::vector<RankedItem> items;                // best first
  std::vector<std::vector<model::TagId>> tags;  // by item
  std::vector<float> popularity;
};

// Item i has each of `tags` tags with a chance of one in three.
World MakeWorld(size_t n, int seed, model::TagId tags = 3) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::uniform_real_distribution<float> uniform;
  World world;
  for (size_t i = 0; i < n; ++i) {
    RankedItem item;
    item.item = static_cast<model::ItemIndex>(i);
    item.score = 2 * uniform(random) - 1;
    world.items.push_back(item);
    world.popularity.push_back(uniform(random));
    std::vector<model::TagId>& own = world.tags.emplace_back();
    for (model::TagId tag = 0; tag < tags; ++tag) {
      if (random() % 3 == 0) own.push_back(tag);
    }
  }
  std::sort(world.items.begin(), world.items.end(),
            [](const RankedItem& a, const RankedItem& b) {
              return a.score > b.score;
            });
  return world;
}

// What boosts add to an item that has tags 0 and 1.
struct Boosts {
  float amounts[2] = {0, 0};

  float Of(const std::vector<model::TagId>& tags) const {
    float boost = 0;
    for (model::TagId tag : {0u, 1u}) {
      if (std::count(tags.begin(), tags.end(), tag) > 0) boost += amounts[tag];
    }
    return boost;
  }
};

class WorldSource : public RankingSource {
 public:
  WorldSource(const World& world, const Boosts& boosts)
      : world_(world), boosts_(boosts) {}

  absl::StatusOr<std::vector<RankedItem>> Best(size_t depth) override {
    ++rounds;
    std::vector<RankedItem> best;
    for (const RankedItem& item : world_.items) {
      if (best.size() == depth) break;
      if (left_.count(item.item) == 0) best.push_back(item);
    }
    looked_at += best.size();
    return best;
  }
  void Describe(absl::Span<const RankedItem> items,
                std::vector<ItemFacts>* facts) override {
    facts->clear();
    for (const RankedItem& item : items) {
      const std::vector<model::TagId>& tags = world_.tags[item.item];
      facts->push_back({tags, boosts_.Of(tags), world_.popularity[item.item]});
    }
  }
  void Leave(absl::Span<const model::ItemIndex> items,
             absl::Span<const model::TagId> tags) override {
    left_.insert(items.begin(), items.end());
    for (const RankedItem& item : world_.items) {
      const std::vector<model::TagId>& own = world_.tags[item.item];
      for (const model::TagId tag : tags) {
        if (std::count(own.begin(), own.end(), tag) > 0)
          left_.insert(item.item);
      }
    }
  }

  int rounds = 0;
  size_t looked_at = 0;

 private:
  const World& world_;
  const Boosts boosts_;
  std::set<model::ItemIndex> left_;
};

// Rules of which only the amounts of the boosts count here: what an expression
// is true for is the source's.
RankingRules WithBoosts(const Boosts& boosts) {
  RankingRules rules;
  for (const float amount : boosts.amounts) {
    if (amount != 0) rules.boosts.emplace_back(nullptr, amount);
  }
  return rules;
}

std::vector<RankedItem> Rank(const RankingRules& rules, size_t k,
                             WorldSource* source) {
  TagQuota quota(rules.max_per_tag);
  auto ranked = RankByRules(rules, k, source, &quota);
  EXPECT_TRUE(ranked.ok());
  return *ranked;
}

// By ranking everything.
std::vector<model::ItemIndex> BruteForce(const World& world,
                                         const Boosts& boosts,
                                         const RankingRules& rules, size_t k) {
  std::vector<std::pair<float, model::ItemIndex>> all;
  for (const RankedItem& item : world.items) {
    const float boost = boosts.Of(world.tags[item.item]);
    all.emplace_back(-(item.score + std::clamp(boost, -1.0f, 1.0f) +
                       rules.popularity_weight * world.popularity[item.item]),
                     item.item);
  }
  std::sort(all.begin(), all.end());
  TagQuota quota(rules.max_per_tag);
  std::vector<model::ItemIndex> best;
  for (const auto& [score, item] : all) {
    if (best.size() == k) break;
    if (quota.Take(world.tags[item])) best.push_back(item);
  }
  return best;
}

TEST(RankingRulesTest, TheAnswerIsThatOfRankingEverything) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform;
  for (int round = 0; round < 1000; ++round) {
    const World world = MakeWorld(random() % 2000, round);
    Boosts boosts;
    if (random() % 2 == 0) {
      boosts = {{2 * uniform(random) - 1, 2 * uniform(random) - 1}};
    }
    RankingRules rules = WithBoosts(boosts);
    if (random() % 2 == 0) rules.max_per_tag = 1 + random() % 20;
    if (random() % 2 == 0) rules.popularity_weight = uniform(random);
    const size_t k = 1 + random() % 50;
    WorldSource source(world, boosts);
    std::vector<model::ItemIndex> actual;
    for (const RankedItem& item : Rank(rules, k, &source)) {
      actual.push_back(item.item);
    }
    EXPECT_EQ(actual, BruteForce(world, boosts, rules, k)) << "round " << round;
  }
}

TEST(RankingRulesTest, LooksNoDeeperThanNeeded) {
  const World world = MakeWorld(100000, 1);
  Boosts boosts;
  boosts.amounts[0] = 0.01f;
  WorldSource source(world, boosts);
  Rank(WithBoosts(boosts), 10, &source);
  EXPECT_LT(source.looked_at, 10000u);
}

// Every item has one of three tags: three can be had, and k is never reached.
TEST(RankingRulesTest, AnAnswerThatCannotBeFilledEndsSoon) {
  World world = MakeWorld(100000, 1);
  for (size_t i = 0; i < world.tags.size(); ++i) {
    world.tags[i] = {static_cast<model::TagId>(i % 3)};
  }
  RankingRules rules;
  rules.max_per_tag = 1;
  WorldSource source(world, {});
  EXPECT_EQ(Rank(rules, 1000, &source).size(), 3u);
  EXPECT_LE(source.rounds, 2);
  EXPECT_LT(source.looked_at, 10000u);
}

// Boosts as large as scores can be leave nothing undecided until everything was
// looked at: that is where it ends.
TEST(RankingRulesTest, WhatItCostsIsBounded) {
  const World world = MakeWorld(200000, 1, 64);
  Boosts boosts;
  boosts.amounts[0] = 1;
  for (const size_t max_per_tag : {0, 1, 1000}) {
    RankingRules rules = WithBoosts(boosts);
    rules.popularity_weight = 1;
    rules.max_per_tag = max_per_tag;
    WorldSource source(world, boosts);
    const auto ranked = Rank(rules, 1001, &source);
    EXPECT_LE(source.looked_at, kMaxRankedItems);
    EXPECT_LE(source.rounds, kMaxRankingRounds);
    EXPECT_FALSE(ranked.empty());
    EXPECT_TRUE(std::is_sorted(ranked.begin(), ranked.end(),
                               [](const RankedItem& a, const RankedItem& b) {
                                 return a.rank_score > b.rank_score;
                               }));
  }
}

TEST(RankingRulesTest, AnErrorOfTheSourceEndsIt) {
  class Failing : public WorldSource {
   public:
    using WorldSource::WorldSource;
    absl::StatusOr<std::vector<RankedItem>> Best(size_t) override {
      return absl::DeadlineExceededError("late");
    }
  };
  const World world = MakeWorld(10, 1);
  Failing source(world, {});
  TagQuota quota(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      RankByRules(RankingRules(), 3, &source, &quota).status()));
}

}  // namespace
}  // namespace taud::server
