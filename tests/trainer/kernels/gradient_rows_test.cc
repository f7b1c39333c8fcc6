#include "trainer/kernels/gradient_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace taud::trainer {
namespace {

using ::testing::ElementsAre;

TEST(GradientRowsTest, SumsDuplicatesWithinAndAcrossCalls) {
  GradientRows rows(2);
  rows.Reset(10);
  const float first[] = {1, 2, 3, 4, 10, 20};
  rows.Add({7, 3, 7}, first);
  const float second[] = {100, 200, 5, 6};
  rows.Add({3, 0}, second);
  EXPECT_THAT(rows.rows(), ElementsAre(7, 3, 0));
  EXPECT_EQ(rows.Sum(0)[0], 11);
  EXPECT_EQ(rows.Sum(0)[1], 22);
  EXPECT_EQ(rows.Sum(1)[0], 103);
  EXPECT_EQ(rows.Sum(1)[1], 204);
  EXPECT_EQ(rows.Sum(2)[1], 6);
}

TEST(GradientRowsTest, ResetForgetsAndGrows) {
  GradientRows rows(1);
  rows.Reset(2);
  const float one[] = {1};
  rows.Add({1}, one);
  rows.Reset(5);
  EXPECT_TRUE(rows.rows().empty());
  const float two[] = {2};
  rows.Add({1}, two);
  rows.Add({4}, two);
  EXPECT_THAT(rows.rows(), ElementsAre(1, 4));
  EXPECT_EQ(rows.Sum(0)[0], 2);
}

}  // namespace
}  // namespace taud::trainer
