#include "trainer/online/row_renewal.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::trainer {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

TEST(RowRenewalTest, ASettledRowOwesFourPairsForEachNewOne) {
  RowRenewal renewal;
  renewal.Grow(3);
  EXPECT_EQ(renewal.owed(), 0);
  renewal.Note(0, 1.0);
  EXPECT_EQ(renewal.owed(), 4);
  renewal.Note(1, 0.5);  // half-way
  EXPECT_EQ(renewal.owed(), 6);
  renewal.Note(2, 0.0);  // it learns at the greatest rate as it is
  EXPECT_EQ(renewal.owed(), 6);
  renewal.Note(2, 7.0);  // older than the horizon is settled
  EXPECT_EQ(renewal.owed(), 10);
}

TEST(RowRenewalTest, ARowLosesAgeByWhatItOwesAFifthAtATime) {
  RowRenewal renewal;
  renewal.Grow(3);
  renewal.Note(0, 1.0);  // 4 pairs of 100
  renewal.Note(1, 1.0);  // 4 pairs of 4
  const std::vector<uint32_t> degrees = {100, 4, 50};
  std::vector<float> visits = {3000, 120, 1500};
  EXPECT_NEAR(renewal.Pay(degrees, &visits), 4.8, 0.01);
  EXPECT_THAT(visits,
              ElementsAre(FloatEq(2880), testing::FloatNear(96, 0.1f), 1500));
  EXPECT_NEAR(renewal.owed(), 3.2, 0.01);
  EXPECT_NEAR(renewal.Pay(degrees, &visits), 0.8, 0.01);
  EXPECT_EQ(visits[0], 2880);
  int rounds = 0;
  while (renewal.owed() > 0) {
    ASSERT_GT(renewal.Pay(degrees, &visits), 0);
    ASSERT_LT(++rounds, 5);
  }
}

TEST(RowRenewalTest, EveryDebtIsPaidOrForgotten) {
  RowRenewal renewal;
  renewal.Grow(3);
  for (const uint32_t row : {0, 1, 2}) renewal.Note(row, 1.0);
  renewal.Forget(1);
  EXPECT_EQ(renewal.owed(), 8);
  // Row 2 has lost its pairs since.
  std::vector<float> visits = {30, 30, 30};
  for (int round = 0; round < 40; ++round) renewal.Pay({1, 1, 0}, &visits);
  EXPECT_EQ(renewal.owed(), 0);
  EXPECT_EQ(visits[1], 30);
  EXPECT_EQ(visits[2], 30);
}

TEST(RowRenewalTest, ItsStateIsAllThereIs) {
  RowRenewal renewal;
  renewal.Grow(2);
  renewal.Note(1, 0.3);
  RowRenewal other;
  other.Assign(renewal.State());
  EXPECT_EQ(other.owed(), renewal.owed());
  std::vector<float> mine = {30, 30}, theirs = mine;
  renewal.Pay({1, 1}, &mine);
  other.Pay({1, 1}, &theirs);
  EXPECT_EQ(mine, theirs);
}

}  // namespace
}  // namespace taud::trainer
