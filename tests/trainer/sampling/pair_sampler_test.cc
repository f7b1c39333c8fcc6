#include "trainer/sampling/pair_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
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

TEST_F(PairSamplerTest, PairsThatAreYoungTwiceMakeNoStepLarger) {
  sampler_.Append(100);
  OpenWindow();
  Draw(100);  // all of them are young
  std::vector<uint32_t> all(100);
  std::iota(all.begin(), all.end(), 0u);
  sampler_.MakeYoung(all);
  Draw(20);
  EXPECT_EQ(pairs_.size(), 20u);
}

TEST_F(PairSamplerTest, KnowsWhichPairsAnOpenWindowHasVisited) {
  sampler_.Append(100);
  EXPECT_EQ(sampler_.Visited(), std::vector<bool>(100, false));
  OpenWindow();
  Draw(40);
  sampler_.Append(10);
  std::vector<bool> drawn(110, false);
  for (uint32_t i = 0; i < first_; ++i) drawn[pairs_[i]] = true;
  EXPECT_EQ(sampler_.Visited(), drawn);
  UseUp();
  EXPECT_EQ(sampler_.Visited(), std::vector<bool>(110, true));
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
  // Replay goes on with the turn that there was.
  EXPECT_TRUE(std::all_of(pairs_.begin() + 500, pairs_.end(),
                          [](uint32_t pair) { return pair < 10000; }));
}

TEST_F(PairSamplerTest, ReplayTakesEveryPairOnceATurn) {
  sampler_.AppendLearnt(50);
  std::vector<uint32_t> last_turn;
  for (int turn = 0; turn < 3; ++turn) {
    Draw(50);
    EXPECT_EQ(first_, 0u);
    EXPECT_EQ(std::set<uint32_t>(pairs_.begin(), pairs_.end()).size(), 50u);
    // In another order each time.
    EXPECT_NE(pairs_, last_turn);
    last_turn = pairs_;
  }
}

TEST_F(PairSamplerTest, PairsThatComeDuringATurnAreOfTheNext) {
  sampler_.AppendLearnt(50);
  Draw(20);
  sampler_.AppendLearnt(30);
  Draw(30);
  EXPECT_TRUE(std::all_of(pairs_.begin(), pairs_.end(),
                          [](uint32_t pair) { return pair < 50; }));
  Draw(80);
  EXPECT_EQ(std::set<uint32_t>(pairs_.begin(), pairs_.end()).size(), 80u);
}

TEST_F(PairSamplerTest, AnImportGoesOnInTheMiddleOfATurn) {
  sampler_.AppendLearnt(50);
  Draw(20);
  PairSampler other(2);
  ASSERT_TRUE(other.Import(sampler_.Export()));
  Draw(70);
  std::vector<uint32_t> pairs;
  other.Draw(70, &pairs, &first_);
  EXPECT_EQ(pairs, pairs_);
}

TEST_F(PairSamplerTest, ATurnThatCannotBeIsNotImported) {
  sampler_.AppendLearnt(50);
  Draw(20);
  const PairSampler::State state = sampler_.Export();
  ASSERT_TRUE(sampler_.Import(state));
  PairSampler::State larger = state;
  larger.turn_size = 51;  // than all pairs
  EXPECT_FALSE(sampler_.Import(larger));
  PairSampler::State beyond = state;
  beyond.turn_next = 51;  // of 50
  EXPECT_FALSE(sampler_.Import(beyond));
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
