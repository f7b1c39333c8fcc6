#include "lab/slice_trial.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/lab/slice_trials.h"

namespace taud::lab {
namespace {

constexpr double kOfAny[] = {0, 1, 2};

TEST(MeritTest, IsTheGeometricMean) {
  EXPECT_DOUBLE_EQ(Merit({7, 0.4, 0.1}), 0.2);
  EXPECT_EQ(BestMerit({}), 0);
  EXPECT_DOUBLE_EQ(BestMerit(TrialsOf(kOfAny, {0.2, 0.3, 0.1})), 0.3);
}

TEST(GoesOnTryingTest, UntilItIsSurelyWorse) {
  EXPECT_TRUE(GoesOnTrying({}));
  EXPECT_TRUE(GoesOnTrying(TrialsOf(kOfAny, {0.2})));
  EXPECT_TRUE(GoesOnTrying(TrialsOf(kOfAny, {0.2, 0.197})));
  EXPECT_FALSE(GoesOnTrying(TrialsOf(kOfAny, {0.2, 0.21, 0.205})));
  EXPECT_TRUE(GoesOnTrying(TrialsOf(kOfAny, {0, 0})));
}

}  // namespace
}  // namespace taud::lab
