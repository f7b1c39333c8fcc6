#include "trainer/sampling/learning_rate.h"

#include <gtest/gtest.h>

namespace taud::trainer {
namespace {

TEST(RateAtAgeTest, HalfCosineFromOneToTheFloor) {
  EXPECT_DOUBLE_EQ(RateAtAge(0, 20, 0.1), 1.0);
  EXPECT_NEAR(RateAtAge(10, 20, 0.1), 0.55, 1e-12);
  EXPECT_NEAR(RateAtAge(20, 20, 0.1), 0.1, 1e-12);
  EXPECT_NEAR(RateAtAge(1000, 20, 0.1), 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(RateAtAge(-1, 20, 0.1), 1.0);
}

TEST(RateAtAgeTest, NewDataBringsTheRateBackInProportion) {
  // Settled at age 20; as many pairs again bring the age to 10, a hundredth
  // more to 19.8.
  EXPECT_GT(RateAtAge(10, 20, 0.02), 0.5);
  EXPECT_LT(RateAtAge(19.8, 20, 0.02), 0.03);
}

TEST(RateForDensityTest, FallsWithTheRootOfThePairsARowOfTheDenserSide) {
  struct {
    size_t pairs, users, items;
    double rate;
  } const cases[] = {{0, 0, 0, 0.05},
                     {10, 0, 5, 0.05},
                     {3, 3, 3, 0.05},
                     {1600, 100, 100, 0.039},
                     {6400, 100, 100, 0.0195},
                     {6400, 100, 5000, 0.0195},
                     {6400, 5000, 100, 0.0195},
                     {810128, 29858, 40981, 0.02995},
                     {796244, 6022, 3043, 0.00964},
                     {10000000, 1000, 1000, 0.005}};
  for (const auto& c : cases) {
    EXPECT_NEAR(RateForDensity(c.pairs, c.users, c.items), c.rate, 1e-5)
        << c.pairs;
  }
}

TEST(StepRowsTest, TakesAShareWithinBounds) {
  EXPECT_EQ(StepRows(5, 2048), 5u);
  EXPECT_EQ(StepRows(100, 2048), 32u);
  EXPECT_EQ(StepRows(256 * 100, 2048), 100u);
  EXPECT_EQ(StepRows(10'000'000, 2048), 2048u);
}

}  // namespace
}  // namespace taud::trainer
