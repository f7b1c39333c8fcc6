#include "trainer/sampling/step_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace taud::trainer {
namespace {

using ::testing::ElementsAre;

TEST(StepWeightsTest, OrdinaryRowsKeepTheirWeight) {
  StepWeights bound;
  std::vector<float> weights = {1, 2, 1};
  bound.Bound({0, 0, 5}, {3, 4, 3}, 3, &weights);
  EXPECT_THAT(weights, ElementsAre(1, 2, 1));
}

TEST(StepWeightsTest, AUserWithManyRowsHasABoundedSum) {
  StepWeights bound;
  std::vector<float> weights(100, 1.0f);
  std::vector<uint32_t> users(100, 7);
  std::vector<uint32_t> items(100);
  std::iota(items.begin(), items.end(), 0u);
  users[99] = 1;
  for (int time = 0; time < 2; ++time) {
    weights.assign(100, 1.0f);
    bound.Bound(users, items, 4, &weights);
    EXPECT_NEAR(std::accumulate(weights.begin(), weights.end() - 1, 0.0), 4,
                1e-4);
    EXPECT_EQ(weights[99], 1);
  }
}

TEST(StepWeightsTest, AnItemWithManyRowsHasABoundedSum) {
  StepWeights bound;
  std::vector<float> weights(50, 1.0f);
  std::vector<uint32_t> users(50);
  std::iota(users.begin(), users.end(), 0u);
  bound.Bound(users, std::vector<uint32_t>(50, 2), 5, &weights);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 5, 1e-4);
}

TEST(StepWeightsTest, AClaimedWeightIsBoundedToo) {
  StepWeights bound;
  std::vector<float> weights = {100, 1};
  bound.Bound({0, 1}, {0, 1}, 4, &weights);
  EXPECT_THAT(weights, ElementsAre(4, 1));
}

}  // namespace
}  // namespace taud::trainer
