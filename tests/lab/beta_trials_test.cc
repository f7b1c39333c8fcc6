#include "lab/beta_trials.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/lab/slice_trials.h"

namespace taud::lab {
namespace {

TEST(BetaTrialsTest, UpwardsWhileItIsWorthIt) {
  const struct {
    std::vector<double> merits;
    double next;  // −1: none
    size_t chosen;
  } cases[] = {
      {{0.2}, 0.25, 0},
      {{0.2, 0.19}, -1, 0},
      {{0.2, 0.2003}, -1, 0},  // what a slice cannot tell
      {{0.2, 0.2005}, 0.5, 1},
      {{0.2, 0.21, 0.22}, 0.75, 2},
      {{0.2, 0.21, 0.22, 0.22}, -1, 2},
      {{0.2, 0.21, 0.22, 0.23, 0.24}, -1, 4},
      {{0, 0}, -1, 0},  // nothing found with either
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(static_cast<int>(&c - cases));
    const std::vector<SliceTrial> trials = TrialsOf(kBetas, c.merits);
    EXPECT_EQ(NextBeta(trials).value_or(-1), c.next);
    EXPECT_EQ(ChooseBeta(trials), c.chosen);
  }
  EXPECT_EQ(NextBeta({}), 0);
}

}  // namespace
}  // namespace taud::lab
