#include "trainer/temperature/bilateral_weight.h"

#include "gtest/gtest.h"

namespace taud::trainer {
namespace {

TEST(RhoForSparsityTest, GrowsWithSparsityBetweenItsBounds) {
  const struct {
    double log_sparsity, rho;
  } cases[] = {{1, 1}, {2.6, 1}, {5, 1}, {6, 1.13}, {6.5, 1.195}, {20, 1.25}};
  for (const auto& c : cases) {
    EXPECT_DOUBLE_EQ(RhoForSparsity(c.log_sparsity), c.rho) << c.log_sparsity;
  }
}

}  // namespace
}  // namespace taud::trainer
