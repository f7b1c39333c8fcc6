#include "lab/query_prior.h"

#include "gtest/gtest.h"
#include "tests/lab/slice_trials.h"

namespace taud::lab {
namespace {

TEST(ChoosePriorTest, TheSmallestOfThoseThatAreAsGood) {
  EXPECT_EQ(ChoosePrior({}), 0);
  EXPECT_EQ(ChoosePrior(TrialsOf(kOfflinePriors, {0.2})), 0);
  EXPECT_EQ(ChoosePrior(TrialsOf(kOfflinePriors, {0.2, 0.2003, 0.2001})), 0);
  EXPECT_EQ(ChoosePrior(TrialsOf(kOfflinePriors, {0.2, 0.205, 0.2051, 0.19})),
            0.5);
  EXPECT_EQ(ChoosePrior(TrialsOf(kOfflinePriors, {0.2, 0.205, 0.21, 0.2})), 1);
  EXPECT_EQ(ChoosePrior(TrialsOf(kOfflinePriors, {0, 0, 0})), 0);
}

}  // namespace
}  // namespace taud::lab
