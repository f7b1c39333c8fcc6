#include "trainer/kernels/unit_row.h"

#include <gtest/gtest.h>

#include <vector>

namespace taud::trainer {
namespace {

TEST(UnitRowTest, DrawsFromAllOfTheSphere) {
  std::mt19937_64 random(1);
  std::vector<float> row(3);
  std::vector<double> mean(3), square(3);
  constexpr int kDraws = 4000;
  for (int draw = 0; draw < kDraws; ++draw) {
    RandomUnitRow(&random, &row);
    double norm = 0;
    for (size_t c = 0; c < 3; ++c) {
      norm += double{row[c]} * row[c];
      mean[c] += row[c] / kDraws;
      square[c] += double{row[c]} * row[c] / kDraws;
    }
    ASSERT_NEAR(norm, 1, 1e-5);
  }
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[c], 0, 0.05);
    EXPECT_NEAR(square[c], 1.0 / 3, 0.03);
  }
}

}  // namespace
}  // namespace taud::trainer
