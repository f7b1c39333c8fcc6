#include "store/log/store_clock.h"

#include "gtest/gtest.h"

namespace taud::store {
namespace {

TEST(StoreClockTest, FollowsAWallClockThatIsRight) {
  EXPECT_EQ(AdvanceStoreClock(1000, 1500, 500), 1500);
  EXPECT_EQ(AdvanceStoreClock(1000, 1000, 0), 1000);
}

TEST(StoreClockTest, StandsStillWhileTheWallClockIsBehind) {
  EXPECT_EQ(AdvanceStoreClock(1000, 400, 100), 1000);
  EXPECT_EQ(AdvanceStoreClock(1000, 400, -1), 1000);
}

TEST(StoreClockTest, AJumpAheadIsCaughtUpWithAtDoubleSpeed) {
  EXPECT_EQ(AdvanceStoreClock(1000, 1000000, 100), 1200);
  EXPECT_EQ(AdvanceStoreClock(1000, 1000000, 0), 1000);
  EXPECT_EQ(AdvanceStoreClock(1000, 1150, 100), 1150);
}

TEST(StoreClockTest, AtAStartTheWallClockIsBelieved) {
  EXPECT_EQ(AdvanceStoreClock(0, 1700000000000, -1), 1700000000000);
  EXPECT_EQ(AdvanceStoreClock(1000, 5000, -1), 5000);
}

TEST(StoreClockTest, NothingIsOlderThanTheStoresTime) {
  EXPECT_EQ(CutoffMs(1700000000000, 1000), 1699999999000);
  EXPECT_EQ(CutoffMs(1700000000000, 0), 1700000000000);
  // A hundred years, and clocks that begin at 1970.
  EXPECT_EQ(CutoffMs(1700000000000, int64_t{36500} * 24 * 60 * 60 * 1000), 0);
  EXPECT_EQ(CutoffMs(0, 1), 0);
  EXPECT_EQ(CutoffMs(5000, 5000), 0);
}

}  // namespace
}  // namespace taud::store
