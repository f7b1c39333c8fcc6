#include "trainer/temperature/lambert_w.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace taud::trainer {
namespace {

TEST(LambertWTest, KnownValues) {
  EXPECT_NEAR(LambertW(0.0), 0.0, 1e-15);
  EXPECT_NEAR(LambertW(1.0), 0.5671432904097838, 1e-12);  // Ω
  EXPECT_NEAR(LambertW(std::exp(1.0)), 1.0, 1e-12);
  EXPECT_NEAR(LambertW(2.0 * std::exp(2.0)), 2.0, 1e-12);
  EXPECT_NEAR(LambertW(-0.25), -0.3574029561813889, 1e-12);
  EXPECT_NEAR(LambertW(1e6), 11.383358086140052, 1e-10);
}

TEST(LambertWTest, InvertsOverItsWholeDomain) {
  for (double w = -0.999; w < 40.0; w += 0.0137) {
    EXPECT_NEAR(LambertW(w * std::exp(w)), w, 1e-9 * (1.0 + std::abs(w)));
  }
}

TEST(LambertWTest, NextToTheBranchPoint) {
  const double branch = -std::exp(-1.0);
  for (const double above : {1e-14, 1e-12, 1e-9, 1e-6, 1e-4}) {
    // W(−1/e + δ) = −1 + sqrt(2eδ) − 2eδ/3 + …
    const double p = std::sqrt(2.0 * std::exp(1.0) * above);
    const double expected = -1.0 + p - p * p / 3.0 + 11.0 / 72.0 * p * p * p;
    EXPECT_NEAR(LambertW(branch + above), expected, 1e-6) << above;
  }
}

TEST(LambertWTest, OutsideTheDomain) {
  EXPECT_EQ(LambertW(-1.0), -1.0);
  EXPECT_EQ(LambertW(-std::numeric_limits<double>::infinity()), -1.0);
  EXPECT_TRUE(std::isinf(LambertW(std::numeric_limits<double>::infinity())));
  EXPECT_TRUE(std::isnan(LambertW(std::nan(""))));
}

}  // namespace
}  // namespace taud::trainer
