#include "query/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "gtest/gtest.h"

namespace taud::query {
namespace {

// 0: 1 (.4), 2 (.2); 1: 0 (.4), 3 (.1); 9 is beyond.
model::NeighbourLists Lists() {
  model::NeighbourLists lists;
  lists.Grow(5);
  lists.Set(0, {{1, 0.4f}, {2, 0.2f}, {9, 0.1f}});
  lists.Set(1, {{0, 0.4f}, {3, 0.1f}});
  return lists;
}

std::map<uint32_t, float> Strengths(const std::vector<uint32_t>& history,
                                    NeighbourScratch* scratch) {
  const std::vector<uint32_t> popularity = {4, 1, 1, 2, 0};
  std::vector<NeighbourStrength> found;
  FindStrengths(Lists(), popularity, history, scratch, &found);
  std::map<uint32_t, float> by_item;
  for (const auto& [item, strength] : found) by_item[item] = strength;
  return by_item;
}

TEST(NeighbourhoodTest, AddsUpTheListsAndLeavesTheHistoryOut) {
  NeighbourScratch scratch;
  // By item 0, of weight 1/√4: .2 for 1, .1 for 2; the mean of them is .15.
  auto found = Strengths({0}, &scratch);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[1], 0.2 / 0.15, 1e-6);
  EXPECT_NEAR(found[2], 0.1 / 0.15, 1e-6);
  // 1 is of the history itself: .1 for 2 and for 3.
  found = Strengths({1, 0}, &scratch);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[2], 1, 1e-6);
  EXPECT_NEAR(found[3], 1, 1e-6);
  EXPECT_TRUE(Strengths({}, &scratch).empty());
  EXPECT_TRUE(Strengths({4, 77}, &scratch).empty());
  for (const float sum : scratch.sums) EXPECT_EQ(sum, 0);
}

TEST(NeighbourhoodTest, TheScaleIsThatOfTheFiftyGreatest) {
  model::NeighbourLists lists;
  lists.Grow(101);
  model::NeighbourList list;
  for (uint32_t item = 1; item <= 100; ++item) {
    list.push_back({item, item > 50 ? 2.0f : 0.5f});
  }
  lists.Set(0, list);
  const std::vector<uint32_t> popularity(101, 1);
  NeighbourScratch scratch;
  std::vector<NeighbourStrength> found;
  FindStrengths(lists, popularity, std::vector<uint32_t>{0}, &scratch, &found);
  ASSERT_EQ(found.size(), 100u);
  for (const auto& [item, strength] : found) {
    EXPECT_NEAR(strength, item > 50 ? 1 : 0.25, 1e-6);
  }
}

// One account's item beside what many have: a hundred times the mean otherwise.
TEST(NeighbourhoodTest, NoItemStandsFarAboveTheOthers) {
  model::NeighbourLists lists;
  lists.Grow(102);
  model::NeighbourList list = {{101, 50.0f}};
  for (uint32_t item = 1; item <= 100; ++item) list.push_back({item, 0.5f});
  lists.Set(0, list);
  const std::vector<uint32_t> popularity(102, 1);
  NeighbourScratch scratch;
  std::vector<NeighbourStrength> found;
  FindStrengths(lists, popularity, std::vector<uint32_t>{0}, &scratch, &found);
  ASSERT_EQ(found.size(), 101u);
  float greatest = 0;
  for (const auto& one : found) greatest = std::max(greatest, one.strength);
  EXPECT_EQ(greatest, kMostStrength);
}

TEST(NeighbourhoodTest, WeightsAreThoseOfTheSnapshotInRange) {
  model::Snapshot s;
  s.metrics[kNeighbourWeightMetric] = 0.5;
  s.metrics[kNeighbourPowerMetric] = 0.25;
  EXPECT_EQ(NeighbourWeightsOf(s).weight, 0);  // it has no lists
  s.neighbours.Grow(1);
  EXPECT_EQ(NeighbourWeightsOf(s).weight, 0.5f);
  EXPECT_EQ(NeighbourWeightsOf(s).power, 0.25f);
  s.metrics[kNeighbourWeightMetric] = std::nan("");
  s.metrics[kNeighbourPowerMetric] = 1e9;
  EXPECT_EQ(NeighbourWeightsOf(s).weight, 0);
  EXPECT_EQ(NeighbourWeightsOf(s).power, kMaxNeighbourPower);
}

TEST(NeighbourhoodTest, PopularityIsRelativeToTheMeanOfWhatHasAny) {
  EXPECT_EQ(MeanPopularity({0, 2, 4, 0}), 3);
  EXPECT_EQ(MeanPopularity({}), 1);
  EXPECT_EQ(PopularityFactor(12, 3, 0.5f), 2);
  EXPECT_EQ(PopularityFactor(0, 3, 0), 1);
}

}  // namespace
}  // namespace taud::query
