#include "lab/tau0_trials.h"

#include <array>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "tests/lab/slice_trials.h"

namespace taud::lab {
namespace {

constexpr std::array<double, 5> kUp = {1, 1.25, 1.5625, 1.953125, 2.44140625};
constexpr std::array<double, 5> kDown = {1, 1.25, 0.8, 0.64, 0.512};

TEST(NextTau0FactorTest, BeginsWithOneAndGoesUp) {
  EXPECT_EQ(NextTau0Factor({}), 1.0);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2})), 1.25);
}

TEST(NextTau0FactorTest, UpOneStepPastTheBest) {
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2, 0.21})), 1.5625);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2, 0.21, 0.209})), std::nullopt);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2, 0.21, 0.22})), 1.953125);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2, 0.21, 0.22, 0.22})),
            std::nullopt);
}

TEST(NextTau0FactorTest, DownWhereTheFirstStepUpIsNoBetter) {
  EXPECT_EQ(NextTau0Factor(TrialsOf(kDown, {0.2, 0.2})), 0.8);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kDown, {0.2, 0.19})), 0.8);
  // Compared with 1, not with the step up.
  EXPECT_EQ(NextTau0Factor(TrialsOf(kDown, {0.2, 0.19, 0.195})), std::nullopt);
  EXPECT_NEAR(*NextTau0Factor(TrialsOf(kDown, {0.2, 0.19, 0.21})), 0.64, 1e-12);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kDown, {0.2, 0.19, 0.21, 0.2})),
            std::nullopt);
}

TEST(NextTau0FactorTest, EndsWhereTheSliceSaysNothingAndAfterFive) {
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0})), std::nullopt);
  EXPECT_EQ(NextTau0Factor(TrialsOf(kUp, {0.2, 0.21, 0.22, 0.23, 0.24})),
            std::nullopt);
}

TEST(ChooseTau0FactorTest, BetweenTheBestAndItsNeighbours) {
  // The two sides are as good: the middle.
  EXPECT_EQ(ChooseTau0Factor(TrialsOf(kDown, {0.2, 0.19, 0.19})), 1.0);
  // As good as one of its neighbours: half-way, in the logarithm.
  EXPECT_NEAR(ChooseTau0Factor(TrialsOf(kUp, {0.2, 0.2 - 1e-9, 0.19})), 1.0,
              1e-9);
  EXPECT_EQ(ChooseTau0Factor(TrialsOf(kUp, {0.19, 0.2, 0.2 - 1e-9})), 1.4);
  EXPECT_EQ(ChooseTau0Factor(TrialsOf(kDown, {0.2 - 1e-9, 0.1, 0.2, 0.19})),
            0.89);
}

TEST(ChooseTau0FactorTest, TheBestItselfAtTheEndOfWhatWasTried) {
  EXPECT_EQ(ChooseTau0Factor(TrialsOf(kUp, {0.2})), 1.0);
  EXPECT_EQ(ChooseTau0Factor(TrialsOf(kUp, {0.2, 0.21, 0.22, 0.23, 0.24})),
            2.44);
}

}  // namespace
}  // namespace taud::lab
