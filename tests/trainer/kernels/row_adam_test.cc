#include "trainer/kernels/row_adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace taud::trainer {
namespace {

class RowAdamTest : public testing::Test {
 protected:
  RowAdamTest() {
    table_.GrowTo(3);
    const float a[] = {1, 0, 0};
    const float b[] = {0, 0.6f, 0.8f};
    table_.Set(0, a);
    table_.Set(1, b);
  }
  int64_t Step(const std::vector<uint32_t>& rows,
               const std::vector<float>& gradients, float rate) {
    gradients_.Reset(3);
    gradients_.Add(rows, gradients.data());
    return RowAdamStep(gradients_,
                       std::vector<float>(gradients_.rows().size(), rate),
                       &pool_, &table_);
  }

  WorkerPool pool_{2};
  EmbeddingTable table_{3};
  GradientRows gradients_{3};
};

TEST_F(RowAdamTest, ByHandForTwoSteps) {
  // Row (1,0,0): the gradient's first component is radial and is dropped.
  // Step 1: both moments corrected are g and g², so each moves by the rate.
  ASSERT_EQ(Step({0}, {9, 2, -3}, 0.1f), 0);
  double x = 1, y = -0.1, z = 0.1;
  double norm = std::sqrt(x * x + y * y + z * z);
  x /= norm, y /= norm, z /= norm;
  EXPECT_NEAR(table_.Row(0)[0], x, 1e-6);
  EXPECT_NEAR(table_.Row(0)[1], y, 1e-6);
  EXPECT_NEAR(table_.Row(0)[2], z, 1e-6);
  EXPECT_NEAR(table_.Moment1(0)[1], 0.2, 1e-6);
  EXPECT_NEAR(table_.Moment2(0)[1], 0.004, 1e-7);

  // Step 2, with its own projection and correction.
  ASSERT_EQ(Step({0}, {0, 1, 0}, 0.1f), 0);
  const double g[] = {-y * x, 1 - y * y, -y * z};
  const double old1[] = {0, 0.2, -0.3}, old2[] = {0, 0.004, 0.009};
  double e[] = {x, y, z};
  norm = 0;
  for (int c = 0; c < 3; ++c) {
    const double m = (0.9 * old1[c] + 0.1 * g[c]) / (1 - 0.81);
    const double v =
        (0.999 * old2[c] + 0.001 * g[c] * g[c]) / (1 - 0.999 * 0.999);
    e[c] -= 0.1 * m / (std::sqrt(v) + 1e-8);
    norm += e[c] * e[c];
  }
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(table_.Row(0)[c], e[c] / std::sqrt(norm), 2e-4) << c;
  }
}

TEST_F(RowAdamTest, OnlyRowsWithAGradientMove) {
  ASSERT_EQ(Step({0}, {0, 1, 1}, 0.1f), 0);
  EXPECT_EQ(table_.Row(1)[1], 0.6f);
  EXPECT_EQ(table_.Updates(1), 0u);
  EXPECT_EQ(table_.Updates(0), 1u);
}

TEST_F(RowAdamTest, DuplicatesAreOneStepOfTheirSum) {
  ASSERT_EQ(Step({0, 1, 0}, {0, 1, 0, 1, 0, 0, 0, 1, 0}, 0.1f), 0);
  EXPECT_EQ(table_.Updates(0), 1u);
  EXPECT_NEAR(table_.Moment1(0)[1], 0.2, 1e-6);
}

TEST_F(RowAdamTest, RowsKeepUnitNorm) {
  for (int step = 0; step < 200; ++step) {
    const float s = static_cast<float>(std::sin(step * 1.7));
    ASSERT_EQ(Step({0, 1}, {s, 1, -s, 100 * s, -1, 3}, 0.3f), 0);
  }
  for (int row = 0; row < 2; ++row) {
    double norm = 0;
    for (int c = 0; c < 3; ++c) norm += std::pow(table_.Row(row)[c], 2);
    EXPECT_NEAR(norm, 1.0, 1e-5);
  }
}

TEST_F(RowAdamTest, ANonFiniteStepIsKeptBackAndTheMomentsStartAgain) {
  ASSERT_EQ(Step({0, 1}, {0, 1, 0, 1, 0, 0}, 0.1f), 0);
  const std::vector<float> before(table_.Row(0), table_.Row(0) + 3);
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::max()}) {
    EXPECT_EQ(Step({0, 1}, {0, bad, 0, 1, 0, 0}, 0.1f), 1) << bad;
    for (int c = 0; c < 3; ++c) EXPECT_EQ(table_.Row(0)[c], before[c]);
    EXPECT_EQ(table_.Moment1(0)[1], 0);
    EXPECT_EQ(table_.Updates(0), 0u);
  }
  EXPECT_EQ(table_.Updates(1), 4u);
}

}  // namespace
}  // namespace taud::trainer
