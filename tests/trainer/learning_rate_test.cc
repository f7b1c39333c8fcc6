#include "trainer/learning_rate.h"

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

TEST(RateForDensityTest, FallsWithTheRootOfThePairsARow) {
  struct {
    size_t pairs, rows;
    double rate;
  } const cases[] = {{0, 0, 0.05},           {10, 0, 0.05},
                     {3, 3, 0.05},           {1600, 100, 0.025},
                     {6400, 100, 0.0125},    {810128, 70839, 0.02957},
                     {10000000, 1000, 0.005}};
  for (const auto& c : cases) {
    EXPECT_NEAR(RateForDensity(c.pairs, c.rows), c.rate, 1e-5) << c.pairs;
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
