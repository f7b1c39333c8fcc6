#include "server/serving/turn_plan.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

struct Case {
  const char* name;
  TurnInput input;
  Lane lane;
  size_t take;
  double wait = 0;
};

class TurnPlanTest : public testing::TestWithParam<Case> {};

TEST_P(TurnPlanTest, Decides) {
  const Turn turn = PlanTurn(GetParam().input);
  EXPECT_EQ(turn.lane, GetParam().lane);
  EXPECT_EQ(turn.take, GetParam().take);
  EXPECT_NEAR(turn.wait_seconds, GetParam().wait, 1e-12);
}

// online waiting, bulk waiting, online turns since bulk, maximum batch
INSTANTIATE_TEST_SUITE_P(
    All, TurnPlanTest,
    testing::Values(
        Case{"NothingWaits", {0, 0, 9, 64}, Lane::kNone, 0},
        Case{"ALoneQueryGoesAtOnce", {1, 0, 0, 64}, Lane::kOnline, 1},
        Case{"ManyFillABatch", {200, 0, 0, 64}, Lane::kOnline, 64},
        Case{"OnlineGoesFirst", {1, 500, 0, 64}, Lane::kOnline, 1},
        Case{"OnlineGoesFirstAgain", {1, 500, 3, 64}, Lane::kOnline, 1},
        Case{"BulkIsNotStarved", {99, 500, 4, 64}, Lane::kBulk, 64},
        Case{"BulkWhenNobodyElse", {0, 10, 0, 64}, Lane::kBulk, 10},
        // … maximum delay, wait of the oldest, stopping
        Case{"APartOfABatchWaits",
             {3, 0, 0, 64, .005, .002},
             Lane::kNone,
             0,
             .003},
        Case{
            "UntilTheDelayIsOver", {3, 0, 0, 64, .005, .005}, Lane::kOnline, 3},
        Case{"AFullBatchDoesNotWait",
             {64, 0, 0, 64, .005, 0},
             Lane::kOnline,
             64},
        Case{"BulkUsesTheDelay", {3, 10, 0, 64, .005, .002}, Lane::kBulk, 10},
        Case{"AfterTheDelayOnlineFirst",
             {3, 10, 0, 64, .005, .006},
             Lane::kOnline,
             3},
        Case{"NoDelayAtTheEnd",
             {3, 0, 0, 64, .005, .002, true},
             Lane::kOnline,
             3},
        // … costly waiting, the last turn was costly
        Case{"CostlyHasItsTurn",
             {9, 0, 0, 64, 0, 0, false, 3, false},
             Lane::kCostly,
             3},
        Case{"AndThenTheOthersHave",
             {9, 0, 0, 64, 0, 0, false, 3, true},
             Lane::kOnline,
             9},
        Case{"CostlyWhenNobodyElse",
             {0, 0, 0, 64, 0, 0, false, 99, true},
             Lane::kCostly,
             64},
        Case{"BulkIsNotStarvedByIt",
             {0, 7, 0, 64, 0, 0, false, 99, true},
             Lane::kBulk,
             7},
        Case{"NorByBoth", {9, 7, 4, 64, 0, 0, false, 99, true}, Lane::kBulk, 7},
        Case{"CostlyUsesTheDelay",
             {3, 0, 0, 64, .005, .002, false, 2, true},
             Lane::kCostly,
             2}),
    [](const auto& c) { return c.param.name; });

TEST(QueueLimitTest, IsTheTimeThatMayBeWaited) {
  //                     queue batch threads wait  a query
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 0}), 1024u) << "not timed yet";
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 50e-6}), 200u);
  EXPECT_EQ(QueueLimit({1024, 64, 2, 0.010, 50e-6}), 400u);
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 1e-3}), 64u) << "a batch";
  EXPECT_EQ(QueueLimit({1024, 64, 2, 0.010, 1e-3}), 128u) << "a thread";
  EXPECT_EQ(QueueLimit({20, 64, 1, 0.010, 1e-3}), 20u);
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 1e-9}), 1024u);
  EXPECT_EQ(QueueLimit({1024, 1, 1, 0.010, 1}), 1u) << "never none";
}

TEST(QueueLimitTest, ABurstInCalmMayWaitLonger) {
  //                     … seconds since the last refusal
  EXPECT_EQ(QueueLimit({4096, 64, 1, 0.010, 50e-6, 0}), 200u);
  EXPECT_EQ(QueueLimit({4096, 64, 1, 0.010, 50e-6, 0.099}), 200u);
  EXPECT_EQ(QueueLimit({4096, 64, 1, 0.010, 50e-6, 0.1}), 2000u);
  EXPECT_EQ(QueueLimit({512, 64, 1, 0.010, 50e-6, 0.1}), 512u);
  EXPECT_EQ(QueueLimit({4096, 64, 1, 0.010, 10e-3, 0.1}), 64u);
}

}  // namespace
}  // namespace taud::server
