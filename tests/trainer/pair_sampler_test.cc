#include "trainer/pair_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace taud::trainer {
namespace {

class PairSamplerTest : public testing::Test {
 protected:
  void OpenWindow() {
    uint32_t begin = 0, end = 0;
    sampler_.OpenWindow(&begin, &end);
  }
  void Draw(uint32_t rows) { sampler_.Draw(rows, &pairs_, &first_); }
  // Draws until no pair is fresh.
  void UseUp() {
    while (sampler_.unvisited() > 0 || sampler_.young() > 0) {
      OpenWindow();
      Draw(100);
    }
  }

  PairSampler sampler_{1};
  std::vector<uint32_t> pairs_;
  uint32_t first_ = 0;
};

TEST_F(PairSamplerTest, NothingToDraw) {
  Draw(10);
  EXPECT_TRUE(pairs_.empty());
  uint32_t begin = 0, end = 0;
  EXPECT_FALSE(sampler_.OpenWindow(&begin, &end));
}

TEST_F(PairSamplerTest, ABulkIsVisitedOnceEachBeforeAnythingAgain) {
  sampler_.Append(1000);
  OpenWindow();
  std::set<uint32_t> seen;
  for (int step = 0; step < 10; ++step) {
    Draw(100);
    EXPECT_EQ(first_, 100u);
    seen.insert(pairs_.begin(), pairs_.end());
    EXPECT_EQ(sampler_.learnt_prefix(), step == 9 ? 1000u : 0u);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(sampler_.unvisited(), 0u);
}

TEST_F(PairSamplerTest, YoungPairsGetTheirVisitsAndRetire) {
  sampler_.Append(200);
  OpenWindow();
  uint64_t rows = 0;
  while (sampler_.unvisited() > 0 || sampler_.young() > 0) {
    Draw(100);
    rows += pairs_.size();
    ASSERT_LT(rows, 20000u);
  }
  EXPECT_GE(rows, 200u * PairSampler::kYoungVisits);
}

TEST_F(PairSamplerTest, FreshPairsFillHalfAStepAndReplayTheRest) {
  sampler_.Append(10000);
  OpenWindow();
  UseUp();
  sampler_.Append(600);
  OpenWindow();
  Draw(1000);
  EXPECT_EQ(first_, 500u);
  ASSERT_EQ(pairs_.size(), 1000u);
  EXPECT_TRUE(std::all_of(pairs_.begin(), pairs_.begin() + 500,
                          [](uint32_t pair) { return pair >= 10000; }));
  // Replay is uniform over all 10,600 pairs.
  EXPECT_LT(std::count_if(pairs_.begin() + 500, pairs_.end(),
                          [](uint32_t pair) { return pair >= 10000; }),
            100);
}

TEST_F(PairSamplerTest, ReplayReachesEveryPairEvenly) {
  sampler_.Append(50);
  UseUp();
  std::vector<int> count(50, 0);
  for (int step = 0; step < 200; ++step) {
    Draw(100);
    EXPECT_EQ(first_, 0u);
    for (const uint32_t pair : pairs_) ++count[pair];
  }
  // 400 each, standard deviation 20.
  EXPECT_GT(*std::min_element(count.begin(), count.end()), 280);
  EXPECT_LT(*std::max_element(count.begin(), count.end()), 520);
}

TEST_F(PairSamplerTest, LearntPairsAreOnlyReplayed) {
  sampler_.AppendLearnt(20);
  EXPECT_EQ(sampler_.unvisited(), 0u);
  EXPECT_EQ(sampler_.learnt_prefix(), 20u);
  Draw(10);
  EXPECT_EQ(first_, 0u);
  EXPECT_EQ(pairs_.size(), 10u);
}

TEST_F(PairSamplerTest, ABacklogBeyondTheWindowWaitsForTheNext) {
  sampler_.Append(PairSampler::kMaxWindow + 5);
  uint32_t begin = 1, end = 0;
  ASSERT_TRUE(sampler_.OpenWindow(&begin, &end));
  EXPECT_EQ(begin, 0u);
  EXPECT_EQ(end, PairSampler::kMaxWindow);
  EXPECT_EQ(sampler_.unvisited(), PairSampler::kMaxWindow + 5);
  EXPECT_FALSE(sampler_.OpenWindow(&begin, &end));
  Draw(PairSampler::kMaxWindow);
  ASSERT_TRUE(sampler_.OpenWindow(&begin, &end));
  EXPECT_EQ(begin, PairSampler::kMaxWindow);
  EXPECT_EQ(end, PairSampler::kMaxWindow + 5);
}

}  // namespace
}  // namespace taud::trainer
