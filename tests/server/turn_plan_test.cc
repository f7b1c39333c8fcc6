#include "server/turn_plan.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

struct Case {
  const char* name;
  TurnInput input;
  Lane lane;
  size_t take;
};

class TurnPlanTest : public testing::TestWithParam<Case> {};

TEST_P(TurnPlanTest, Decides) {
  const Turn turn = PlanTurn(GetParam().input);
  EXPECT_EQ(turn.lane, GetParam().lane);
  EXPECT_EQ(turn.take, GetParam().take);
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
        Case{"BulkWhenNobodyElse", {0, 10, 0, 64}, Lane::kBulk, 10}),
    [](const auto& c) { return c.param.name; });

TEST(QueueLimitTest, IsTheTimeThatMayBeWaited) {
  //                     queue batch threads wait  a query
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 0}), 1024u) << "not timed yet";
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 50e-6}), 200u);
  EXPECT_EQ(QueueLimit({1024, 64, 2, 0.010, 50e-6}), 400u);
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 1e-3}), 128u) << "two batches";
  EXPECT_EQ(QueueLimit({100, 64, 1, 0.010, 1e-3}), 100u);
  EXPECT_EQ(QueueLimit({1024, 64, 1, 0.010, 1e-9}), 1024u);
}

}  // namespace
}  // namespace taud::server
