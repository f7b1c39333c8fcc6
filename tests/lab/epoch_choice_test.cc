#include "lab/epoch_choice.h"

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

struct Case {
  double recall, best;
  bool last;
  double tolerance;
  bool better;
};

TEST(EpochChoiceTest, TheGreaterRecallUnlessTheScheduleEndsAboutAsWell) {
  const Case cases[] = {
      {.1, -1, false, .005, true},      // the first that is measured
      {.2, .1, false, .005, true},      //
      {.2, .2, false, .005, false},     // the earlier of two
      {.1995, .2, false, .005, false},  //
      {.1995, .2, true, .005, true},    // the end, and no worse to speak of
      {.1985, .2, true, .005, false},   // the end, and worse
      {.1995, .2, true, 0, false},      // as the papers choose
      {.2, .2, true, 0, true},          //
      {0, 0, false, .005, true},        // nothing found anywhere
      {0, .2, false, .005, false},      // nothing found any more
      {0, .2, true, .005, false},       //
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsBetterEpoch(c.recall, c.best, c.last, c.tolerance), c.better)
        << c.recall << " " << c.best << " " << c.last << " " << c.tolerance;
  }
}

}  // namespace
}  // namespace taud::lab
