#include "lab/slice_trial.h"

#include <vector>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

std::vector<SliceTrial> Trials(const std::vector<double>& merits) {
  std::vector<SliceTrial> trials;
  for (size_t i = 0; i < merits.size(); ++i) {
    // As great as the merit: 2 m and m / 2.
    trials.push_back({static_cast<double>(i), 2 * merits[i], merits[i] / 2});
  }
  return trials;
}

TEST(MeritTest, IsTheGeometricMean) {
  EXPECT_DOUBLE_EQ(Merit({7, 0.4, 0.1}), 0.2);
  EXPECT_EQ(BestMerit({}), 0);
  EXPECT_DOUBLE_EQ(BestMerit(Trials({0.2, 0.3, 0.1})), 0.3);
}

TEST(GoesOnTryingTest, UntilItIsSurelyWorse) {
  EXPECT_TRUE(GoesOnTrying({}));
  EXPECT_TRUE(GoesOnTrying(Trials({0.2})));
  EXPECT_TRUE(GoesOnTrying(Trials({0.2, 0.197})));
  EXPECT_FALSE(GoesOnTrying(Trials({0.2, 0.21, 0.205})));
  EXPECT_TRUE(GoesOnTrying(Trials({0, 0})));
}

}  // namespace
}  // namespace taud::lab
