#include "server/quality/estimates.h"

#include <cmath>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

// By hand from Wilson's formula, z = 1.959964.
TEST(EstimatesTest, AShareHasWilsonsInterval) {
  const struct {
    double value, events, low, high;
  } cases[] = {
      {.5, 100, .403832, .596168},
      {0, 10, 0, .277533},
      {1, 10, .722467, 1},
      {.1, 1000, .082909, .120151},
  };
  for (const auto& c : cases) {
    const v1::Estimate estimate = ShareEstimate(c.value, c.events);
    EXPECT_NEAR(estimate.value(), c.value, 1e-12);
    EXPECT_NEAR(estimate.low(), c.low, 1e-5) << c.value << " of " << c.events;
    EXPECT_NEAR(estimate.high(), c.high, 1e-5) << c.value << " of " << c.events;
  }
  EXPECT_EQ(ShareEstimate(0, 0).low(), 0);
  EXPECT_EQ(ShareEstimate(0, 0).high(), 1);
}

TEST(EstimatesTest, McNemarCountsWhatIsAsExtreme) {
  // (C(12,10) + C(12,11) + C(12,12)) / 2^12.
  EXPECT_NEAR(OneSidedMcNemar(10, 2), 79.0 / 4096, 1e-12);
  EXPECT_NEAR(McNemar(10, 2), 158.0 / 4096, 1e-12);
  EXPECT_NEAR(McNemar(2, 10), 158.0 / 4096, 1e-12);
  EXPECT_EQ(McNemar(0, 0), 1);
  EXPECT_EQ(McNemar(5, 5), 1);
  EXPECT_NEAR(OneSidedMcNemar(2, 10), 1 - 13.0 / 4096, 1e-12);
  EXPECT_LT(OneSidedMcNemar(2000, 1000), 1e-50);
}

TEST(EstimatesTest, PopulationStabilityIsZeroForTheSameShares) {
  EXPECT_NEAR(PopulationStability({100, 200}, {1000, 2000}), 0, 1e-4);
  // (.75 − .5) ln 1.5 + (.25 − .5) ln .5, but for the half count.
  EXPECT_NEAR(PopulationStability({1e6, 1e6}, {1.5e6, .5e6}),
              .25 * std::log(1.5) - .25 * std::log(.5), 1e-5);
  EXPECT_EQ(PopulationStability({}, {1, 2}), 0);
  EXPECT_EQ(PopulationStability({0, 0}, {1, 2}), 0);
}

TEST(EstimatesTest, AMeanFades) {
  FadingMean mean(100);
  EXPECT_EQ(mean.mean(), 0);
  EXPECT_EQ(mean.events(), 0);
  mean.Add(1);
  EXPECT_EQ(mean.mean(), 1);
  EXPECT_NEAR(mean.events(), 1, 1e-12);
  for (int i = 0; i < 10000; ++i) mean.Add(i % 2);
  EXPECT_NEAR(mean.mean(), .5, .01);
  // (1 + k) / (1 − k) for weights k^i.
  const double k = std::exp(-.01);
  EXPECT_NEAR(mean.events(), (1 + k) / (1 - k), 1e-6);
  for (int i = 0; i < 100; ++i) mean.Add(0);
  EXPECT_NEAR(mean.mean(), .5 * std::exp(-1), .01);
  EXPECT_LT(mean.Mean().low(), mean.mean());
  EXPECT_GT(mean.Mean().high(), mean.mean());
}

}  // namespace
}  // namespace taud::server
