#include "lab/ranking_report.h"

#include <cmath>
#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::lab {
namespace {

using ::testing::ElementsAre;

// Items 0 … 59 in order; the item at rank r is r.
std::vector<uint32_t> InOrder() {
  std::vector<uint32_t> list(50);
  std::iota(list.begin(), list.end(), 0);
  return list;
}

TEST(MeasureListsTest, ByHand) {
  // User 0 wants items at ranks 1, 12 and 31, counted from 1, and one that is
  // not in the list; user 1 has no list; user 2 wants nothing.
  const RankingReport report =
      MeasureLists({InOrder(), {}, InOrder()}, {{30, 0, 11, 59}, {1, 2}, {}},
                   std::vector<uint32_t>(60, 1));
  EXPECT_EQ(report.users, 2u);
  EXPECT_DOUBLE_EQ(report.recall[0], 0.25 / 2);
  EXPECT_DOUBLE_EQ(report.recall[1], 0.50 / 2);
  EXPECT_DOUBLE_EQ(report.recall[2], 0.75 / 2);
  const auto gain = [](int rank) { return 1 / std::log2(rank + 1.0); };
  const double ideal = gain(1) + gain(2) + gain(3) + gain(4);
  EXPECT_DOUBLE_EQ(report.ndcg[0], gain(1) / ideal / 2);
  EXPECT_DOUBLE_EQ(report.ndcg[1], (gain(1) + gain(12)) / ideal / 2);
  EXPECT_DOUBLE_EQ(report.ndcg[2], (gain(1) + gain(12) + gain(31)) / ideal / 2);
  EXPECT_DOUBLE_EQ(report.precision, 2.0 / 20 / 2);
  EXPECT_DOUBLE_EQ(report.coverage, 20.0 / 60);
}

TEST(MeasureListsTest, GroupsSumToTheRecall) {
  std::vector<uint32_t> popularity(60);
  for (uint32_t i = 0; i < 60; ++i) popularity[i] = 60 - i;
  const RankingReport report =
      MeasureLists({InOrder()}, {{0, 3, 9, 19, 45}}, popularity);
  const double sum = std::accumulate(report.group_recall.begin(),
                                     report.group_recall.end(), 0.0);
  EXPECT_DOUBLE_EQ(report.recall[1], 0.8);
  EXPECT_DOUBLE_EQ(sum, 0.8);
  // 1,830 interactions: the first group is items 0 to 3.
  EXPECT_DOUBLE_EQ(report.group_recall[0], 0.4);
}

TEST(PopularityGroupsTest, EachHoldsTheSameNumberOfInteractions) {
  // 100 interactions: 30 + 10 + … , so the most popular item is groups 0 to 2.
  const std::vector<uint8_t> groups =
      PopularityGroups({10, 30, 10, 10, 10, 10, 10, 5, 5});
  EXPECT_THAT(groups, ElementsAre(3, 0, 4, 5, 6, 7, 8, 9, 9));
}

TEST(PopularityGroupsTest, ItemsWithoutInteractionsAreLast) {
  EXPECT_THAT(PopularityGroups({0, 1}), ElementsAre(9, 0));
  EXPECT_THAT(PopularityGroups({0, 0}), ElementsAre(0, 0));
}

TEST(GiniTest, ByHand) {
  EXPECT_DOUBLE_EQ(Gini({4, 4, 4}), 0);
  EXPECT_DOUBLE_EQ(Gini({0, 0, 0, 8}), 0.75);
  // Mean absolute difference of 1 and 3 over all pairs, ÷ twice the mean.
  EXPECT_DOUBLE_EQ(Gini({3, 1}), 0.25);
  EXPECT_EQ(Gini({}), 0);
  EXPECT_EQ(Gini({0, 0}), 0);
}

TEST(CountPopularityTest, Counts) {
  EXPECT_THAT(CountPopularity({{0, 2}, {2}, {}}, 4), ElementsAre(1, 0, 2, 0));
}

}  // namespace
}  // namespace taud::lab
