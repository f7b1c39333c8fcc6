#include "query/query_weights.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::query {
namespace {

using testing::FloatNear;
using testing::Pointwise;

TEST(QueryWeightsTest, AreNumbersThatCanBeUsedWhateverTheMetricsAre) {
  model::Snapshot s;
  EXPECT_EQ(QueryWeightsOf(s).recent, 0);
  EXPECT_EQ(QueryWeightsOf(s).prior, 0);
  const struct {
    double metric;
    float recent, prior;
  } cases[] = {{0, 0, 0},
               {0.3, 0.3f, 0.3f},
               {30, 10, 30},
               {1e9, 10, 1000},
               {-2, 0, 0},
               {std::nan(""), 0, 0},
               {std::numeric_limits<double>::infinity(), 0, 0}};
  for (const auto& c : cases) {
    s.metrics[kRecentWeightMetric] = c.metric;
    s.metrics[kPriorMetric] = c.metric;
    EXPECT_EQ(QueryWeightsOf(s).recent, c.recent) << c.metric;
    EXPECT_EQ(QueryWeightsOf(s).prior, c.prior) << c.metric;
  }
}

TEST(MeanRowTest, IsOverRowsThatCount) {
  model::Matrix rows(3, 2);
  rows.values = {1, 0, 0, 1, 0, 0};
  EXPECT_THAT(MeanRow(rows, {4, 1, 0}),
              Pointwise(FloatNear(1e-6f), std::vector<float>{0.5f, 0.5f}));
  EXPECT_THAT(MeanRow(rows, {0, 0, 0}),
              Pointwise(FloatNear(0), std::vector<float>{0, 0}));
}

TEST(RecentTasteTest, TheNewestCountMostAndTheMeanIsTakenOut) {
  const float first[] = {1, 0};
  const float second[] = {0, 1};
  const std::vector<RecentItem> recent = {{first, 9}, {second, 7}};
  const std::vector<float> mean = {0.2f, 0.4f};
  std::vector<float> taste = {9, 9, 9};
  RecentTaste(recent, mean, &taste);
  // 1·(1 − .1, 0 − .2) + .8·(0 − .1, 1 − .2)
  EXPECT_THAT(taste,
              Pointwise(FloatNear(1e-6f), std::vector<float>{0.82f, 0.44f}));
}

TEST(RecentTasteTest, WhatHappenedInOneSecondHasNoOrder) {
  const float a[] = {1, 0, 0};
  const float b[] = {0, 1, 0};
  const float c[] = {0, 0, 1};
  const std::vector<float> mean = {0, 0, 0};
  std::vector<float> taste;
  RecentTaste(std::vector<RecentItem>{{a, 9}, {b, 5}, {c, 5}}, mean, &taste);
  EXPECT_THAT(taste,
              Pointwise(FloatNear(1e-6f), std::vector<float>{1, 0.72f, 0.72f}));
  // Twice the places that there are, all of one second: each has half.
  const std::vector<RecentItem> many(2 * kRecentItems, {a, 5});
  RecentTaste(many, mean, &taste);
  EXPECT_NEAR(taste[0], (1 - std::pow(0.8, 16)) / 0.2, 1e-4);
}

TEST(RecentTasteTest, OldItemsDoNotEnter) {
  const float row[] = {1};
  const std::vector<float> mean = {0};
  std::vector<RecentItem> recent;
  for (size_t k = 0; k < kRecentItems + 5; ++k) {
    recent.push_back({row, 100 - static_cast<int64_t>(k)});
  }
  std::vector<float> sixteen, more;
  RecentTaste(absl::MakeSpan(recent).subspan(0, kRecentItems), mean, &sixteen);
  RecentTaste(recent, mean, &more);
  EXPECT_EQ(sixteen, more);
  EXPECT_NEAR(sixteen[0], (1 - std::pow(0.8, 16)) / 0.2, 1e-4);
}

}  // namespace
}  // namespace taud::query
