#include "trainer/offline/starting_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace taud::trainer {
namespace {

TEST(StartingRowsTest, WhoHasAnInteractionTakesPart) {
  const TakingPart taking = WhoTakesPart({{2}, {}, {0, 2}}, 4);
  EXPECT_EQ(taking.users, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(taking.items, (std::vector<bool>{true, false, true, false}));
}

TEST(StartingRowsTest, RowsThatTakePartAreOfUnitNormAndTheOthersZero) {
  std::mt19937_64 random = StartingRandom(7);
  const model::Matrix rows = DrawUnitRows({true, false, true}, 5, &random);
  ASSERT_EQ(rows.rows, 3u);
  ASSERT_EQ(rows.cols, 5u);
  for (size_t row = 0; row < 3; ++row) {
    double square = 0;
    for (size_t c = 0; c < 5; ++c)
      square += double{rows.Row(row)[c]} * rows.Row(row)[c];
    EXPECT_NEAR(square, row == 1 ? 0 : 1, 1e-6);
  }
}

// Who does not take part costs no draw: a learner that knows of more rows than
// another starts from the same ones.
TEST(StartingRowsTest, DrawsAreOfThoseThatTakePartAlone) {
  std::mt19937_64 one = StartingRandom(7);
  std::mt19937_64 two = StartingRandom(7);
  const model::Matrix some = DrawUnitRows({true, false, true}, 5, &one);
  const model::Matrix all = DrawUnitRows({true, true}, 5, &two);
  for (size_t c = 0; c < 5; ++c) {
    EXPECT_EQ(some.Row(0)[c], all.Row(0)[c]);
    EXPECT_EQ(some.Row(2)[c], all.Row(1)[c]);
  }
}

}  // namespace
}  // namespace taud::trainer
