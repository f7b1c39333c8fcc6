#include "server/serving/sum_ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "index/builder/index_builder.h"
#include "index/search_index.h"
#include "server/serving/candidate_items.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

using model::ItemIndex;

constexpr size_t kItems = 3000, kDim = 8;

// One search: what gains, what may be answered, how many.
struct Case {
  std::vector<float> query;
  NeighbourGains gains;
  model::Bitmap eligible;
  bool filtered = false;
  std::vector<ItemIndex> forbidden;
  size_t depth = 1;

  const model::Bitmap* filter() const { return filtered ? &eligible : nullptr; }
};

std::vector<ItemIndex> SomeItems(size_t count, std::mt19937* random) {
  std::set<ItemIndex> items;
  for (size_t i = 0; i < count; ++i) {
    items.insert(static_cast<ItemIndex>((*random)() % kItems));
  }
  return {items.begin(), items.end()};
}

Case MakeCase(std::mt19937* random_engine) {
  std::mt19937& random = *random_engine;
  Case one;
  std::normal_distribution<float> normal;
  float norm = 0;
  for (size_t c = 0; c < kDim; ++c) {
    one.query.push_back(normal(random));
    norm += one.query[c] * one.query[c];
  }
  for (float& value : one.query) value /= std::sqrt(norm);
  // Nothing, few, most; a few great ones, all the same, a power law.
  const size_t counts[] = {0, 5, 90, 400, 2900};
  const auto shape = random() % 3;
  const float scale = random() % 2 == 0 ? 0.1f : 2.0f;
  std::uniform_real_distribution<float> uniform(0.001f, 1);
  for (const ItemIndex item : SomeItems(counts[random() % 5], &random)) {
    const float strength = shape == 0   ? 0.05f
                           : shape == 1 ? uniform(random)
                                        : std::pow(uniform(random), 6.0f);
    one.gains.push_back({item, scale * strength});
  }
  std::shuffle(one.gains.begin(), one.gains.end(), random);
  one.filtered = random() % 2 == 0;
  if (one.filtered) {
    one.eligible.Assign(kItems, false);
    const size_t one_in = 1 + random() % 30;
    for (size_t i = 0; i < kItems; ++i) {
      if (random() % one_in == 0) one.eligible.Set(i);
    }
  }
  one.forbidden = SomeItems(random() % 50, &random);
  one.depth = random() % 4 == 0 ? 1 + random() % 700 : 1 + random() % 30;
  return one;
}

// Every allowed item by the formula, best first.
std::vector<RankedItem> BruteForce(const ServingModel& model, const Case& one) {
  std::vector<float> gain(kItems, 0.0f);
  for (const auto& [item, strength] : one.gains) gain[item] = strength;
  std::vector<RankedItem> all;
  for (ItemIndex item = 0; item < kItems; ++item) {
    const float* const row = ItemRow(model, item);
    if (row == nullptr || !Allowed(one.filter(), one.forbidden, item)) continue;
    RankedItem ranked;
    ranked.item = item;
    ranked.score = Cosine(row, one.query.data(), kDim) + gain[item];
    all.push_back(ranked);
  }
  std::sort(all.begin(), all.end(),
            [](const RankedItem& a, const RankedItem& b) {
              return a.score != b.score ? a.score > b.score : a.item < b.item;
            });
  return all;
}

std::shared_ptr<const ServingModel> BuildKind(index::IndexKind kind) {
  auto snapshot = MakeSnapshot(1, kItems, kDim);
  for (size_t item = 0; item < kItems; item += 7) Untrain(item, snapshot.get());
  index::IndexOptions options;
  options.kind = kind;
  index::IndexBuilder builder(options);
  auto built = BuildServingModel(std::move(snapshot), &builder);
  EXPECT_TRUE(built.ok()) << built.status();
  auto model = std::const_pointer_cast<ServingModel>(*built);
  model->neighbour_factors.assign(kItems, 1.0f);
  return model;
}

// What the index finds, and how far down it had to look.
std::vector<RankedItem> Rank(const ServingModel& model, const Case& one,
                             float* floor) {
  SumRanking sum(model, one.gains, one.query, one.filter(), one.forbidden,
                 one.depth);
  index::Query query;
  query.vector = one.query.data();
  query.k = one.depth;
  query.eligible = one.filter();
  query.excluded = one.forbidden;
  query.floor = *floor = sum.floor();
  std::vector<std::vector<index::Hit>> hits;
  EXPECT_TRUE(model.index->Search({&query, 1}, &hits).ok());
  std::vector<RankedItem> items = FromHits(hits[0]);
  sum.Complete(&items);
  return items;
}

class SumRankingTest : public testing::TestWithParam<index::IndexKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, SumRankingTest,
                         testing::Values(index::IndexKind::kFlat,
                                         index::IndexKind::kFlatQuantised));

TEST_P(SumRankingTest, IsTheExactTopOfTheSum) {
  const auto model = BuildKind(GetParam());
  std::mt19937 random(1);
  int floors = 0, rests = 0;
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const Case one = MakeCase(&random);
    std::vector<RankedItem> expected = BruteForce(*model, one);
    expected.resize(std::min(one.depth, expected.size()));
    float floor = 0;
    const std::vector<RankedItem> items = Rank(*model, one, &floor);
    if (std::isfinite(floor)) ++floors;
    if (one.gains.size() > 2 * one.depth + 128) ++rests;
    ASSERT_EQ(items.size(), expected.size());
    std::set<ItemIndex> distinct;
    for (size_t i = 0; i < items.size(); ++i) {
      // FAISS adds up in another order.
      ASSERT_NEAR(items[i].score, expected[i].score, 1e-5) << i;
      distinct.insert(items[i].item);
      if (GetParam() != index::IndexKind::kFlatQuantised) continue;
      ASSERT_EQ(items[i].item, expected[i].item) << i;
    }
    ASSERT_EQ(distinct.size(), items.size());
  }
  EXPECT_GT(floors, 300);
  EXPECT_GT(rests, 300);
}

// An approximate index says nothing of what it has missed.
TEST(ApproximateSumTest, WhatGainsIsFoundWhateverTheIndexMisses) {
  const auto model = BuildKind(index::IndexKind::kIvf);
  ASSERT_FALSE(model->exact);
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const Case one = MakeCase(&random);
    float floor = 0;
    const std::vector<RankedItem> items = Rank(*model, one, &floor);
    EXPECT_EQ(floor, -std::numeric_limits<float>::infinity());
    std::set<ItemIndex> answered;
    for (const RankedItem& ranked : items) answered.insert(ranked.item);
    std::set<ItemIndex> gaining;
    for (const auto& [item, strength] : one.gains) gaining.insert(item);
    for (const RankedItem& ranked : BruteForce(*model, one)) {
      if (gaining.count(ranked.item) == 0) continue;
      if (ranked.score <= items.back().score + 1e-5f) break;
      ASSERT_EQ(answered.count(ranked.item), 1u) << ranked.item;
    }
  }
}

}  // namespace
}  // namespace taud::server
