#include "trainer/sampling/negative_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace taud::trainer {
namespace {

using ::testing::UnorderedElementsAre;

TEST(NegativeSamplerTest, AllItemsWhereThereAreNoMore) {
  NegativeSampler sampler(0.0, 1);
  std::vector<uint32_t> negatives = {9};
  sampler.Draw(5, &negatives);
  EXPECT_TRUE(negatives.empty());
  sampler.SetItems({4, 2}, {0, 0, 1, 0, 1});
  sampler.Draw(5, &negatives);
  EXPECT_THAT(negatives, UnorderedElementsAre(2, 4));
}

TEST(NegativeSamplerTest, UniformDistinctAndGrowing) {
  NegativeSampler sampler(0.0, 1);
  std::vector<uint32_t> items(50);
  std::iota(items.begin(), items.end(), 0u);
  const std::vector<uint32_t> popularity(100, 1);
  sampler.SetItems(items, popularity);
  std::vector<uint32_t> negatives;
  sampler.Draw(10, &negatives);
  items.resize(100);
  std::iota(items.begin(), items.end(), 0u);
  sampler.SetItems(items, popularity);

  constexpr int kDraws = 4000;
  std::vector<int> count(100, 0);
  for (int draw = 0; draw < kDraws; ++draw) {
    sampler.Draw(10, &negatives);
    ASSERT_EQ(negatives.size(), 10u);
    ASSERT_EQ(std::set<uint32_t>(negatives.begin(), negatives.end()).size(),
              10u);
    for (const uint32_t item : negatives) ++count[item];
  }
  // Each is expected 400 times, standard deviation 19.
  EXPECT_GT(*std::min_element(count.begin(), count.end()), 400 - 6 * 19);
  EXPECT_LT(*std::max_element(count.begin(), count.end()), 400 + 6 * 19);
}

TEST(NegativeSamplerTest, ByPopularityToThePowerOfBeta) {
  // Popularity 1, 16 and many of 1: with β = ½ item 1 is drawn four times as
  // often as any other.
  std::vector<uint32_t> items(41);
  std::iota(items.begin(), items.end(), 0u);
  std::vector<uint32_t> popularity(41, 1);
  popularity[1] = 16;
  NegativeSampler sampler(0.5, 1);
  sampler.SetItems(items, popularity);
  std::vector<uint32_t> negatives;
  constexpr int kDraws = 44000;
  std::map<uint32_t, int> count;
  for (int draw = 0; draw < kDraws; ++draw) {
    sampler.Draw(1, &negatives);
    ASSERT_EQ(negatives.size(), 1u);
    ++count[negatives[0]];
  }
  EXPECT_NEAR(count[1], 4000, 400);
  EXPECT_NEAR(count[7], 1000, 200);
}

TEST(NegativeSamplerTest, OneItemWithNearlyAllTheMassDoesNotHangIt) {
  std::vector<uint32_t> items(100);
  std::iota(items.begin(), items.end(), 0u);
  std::vector<uint32_t> popularity(100, 1);
  popularity[3] = 4000000000u;
  NegativeSampler sampler(1.0, 1);
  sampler.SetItems(items, popularity);
  std::vector<uint32_t> negatives;
  sampler.Draw(50, &negatives);
  EXPECT_GE(negatives.size(), 1u);
  EXPECT_EQ(std::count(negatives.begin(), negatives.end(), 3u), 1);
}

TEST(NegativeSamplerTest, TheSeedDecides) {
  std::vector<uint32_t> items(100);
  std::iota(items.begin(), items.end(), 0u);
  const auto draw = [&](uint64_t seed) {
    NegativeSampler sampler(0.0, seed);
    sampler.SetItems(items, std::vector<uint32_t>(100, 1));
    std::vector<uint32_t> negatives;
    sampler.Draw(10, &negatives);
    return negatives;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(CountInBatchTest, CountsTheDistinctPositives) {
  std::vector<uint32_t> negatives = {9, 9};
  std::vector<float> counts = {3};
  CountInBatch({7, 2, 7, 5, 7, 2}, &negatives, &counts);
  EXPECT_EQ(negatives, (std::vector<uint32_t>{2, 5, 7}));
  EXPECT_EQ(counts, (std::vector<float>{2, 1, 3}));
  CountInBatch({}, &negatives, &counts);
  EXPECT_TRUE(negatives.empty());
  EXPECT_TRUE(counts.empty());
}

}  // namespace
}  // namespace taud::trainer
