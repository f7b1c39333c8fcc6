#include "lab/beta_trials.h"

#include <vector>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

std::vector<SliceTrial> Trials(const std::vector<double>& merits) {
  std::vector<SliceTrial> trials;
  for (size_t i = 0; i < merits.size(); ++i) {
    // As great as the merit: 2 m and m / 2.
    trials.push_back({kBetas[i], 2 * merits[i], merits[i] / 2});
  }
  return trials;
}

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
    const std::vector<SliceTrial> trials = Trials(c.merits);
    EXPECT_EQ(NextBeta(trials).value_or(-1), c.next);
    EXPECT_EQ(ChooseBeta(trials), c.chosen);
  }
  EXPECT_EQ(NextBeta({}), 0);
}

}  // namespace
}  // namespace taud::lab
