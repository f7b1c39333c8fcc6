#include "trainer/temperature/temperature.h"

#include <gtest/gtest.h>

#include <cmath>

namespace taud::trainer {
namespace {

TEST(LogSparsityTest, IsTheLogarithmOfTheLemma) {
  // Gowalla: 29,858 · 40,981 / (2 · 810,128) = 755.2.
  EXPECT_NEAR(LogSparsity(29858, 40981, 810128), std::log(755.198), 1e-5);
  EXPECT_NEAR(LogSparsity(6022, 3043, 796244), 2.4429, 1e-3);
}

TEST(LogSparsityTest, DenseOrEmptyDataCountsAsOne) {
  EXPECT_EQ(LogSparsity(10, 10, 60), 1.0);
  EXPECT_EQ(LogSparsity(10, 10, 50), 1.0);  // log 1 = 0 would divide by zero
  EXPECT_EQ(LogSparsity(0, 10, 5), 1.0);
  EXPECT_EQ(LogSparsity(10, 10, 0), 1.0);
}

TEST(Tau0Test, Eq14) {
  EXPECT_NEAR(Tau0Eq14({0.1, 0.02, 0.7, 0.02}, 6.0), 0.1, 1e-15);
}

TEST(Tau0Test, Eq13AsPrinted) {
  const CosineMoments moments = {0.05, 0.02, 0.65, 0.05};
  const double log_sparsity = 5.0;
  const double gap = 0.6;
  const double spread = 0.03;
  EXPECT_NEAR(
      Tau0Eq13(moments, log_sparsity),
      spread / (-gap + std::sqrt(gap * gap + 2 * spread * log_sparsity)),
      1e-12);
}

TEST(Tau0Test, Eq13BecomesEq14AsTheVariancesMeet) {
  const CosineMoments moments = {0.05, 0.02, 0.65, 0.02};
  EXPECT_NEAR(Tau0Eq13(moments, 5.0), Tau0Eq14(moments, 5.0), 1e-15);
  const CosineMoments close = {0.05, 0.02, 0.65, 0.02 + 1e-13};
  EXPECT_NEAR(Tau0Eq13(close, 5.0), Tau0Eq14(close, 5.0), 1e-9);
}

TEST(Tau0Test, Eq13WithoutARealRootIsEq14) {
  const CosineMoments moments = {0.0, 0.5, 0.1, 0.0};
  EXPECT_NEAR(Tau0Eq13(moments, 5.0), 0.02, 1e-15);
}

TEST(UserTemperatureTest, Eq16) {
  EXPECT_DOUBLE_EQ(UserTemperature(0.1, 3.0, 3.0, 1.0), 0.1);
  // (L − m) / 2β = 1: exp(W(1)) = 1 / W(1).
  EXPECT_NEAR(UserTemperature(0.1, 5.0, 3.0, 1.0), 0.1 / 0.5671432904097838,
              1e-12);
  // The same quotient with another β.
  EXPECT_NEAR(UserTemperature(0.1, 4.0, 3.0, 0.5), 0.1 / 0.5671432904097838,
              1e-12);
  // −1/4: exp(W(−1/4)) = −1/4 ÷ W(−1/4).
  EXPECT_NEAR(UserTemperature(0.1, 2.5, 3.0, 1.0), 0.1 * 0.25 / 0.3574029561,
              1e-9);
  // Below −1/e the temperature is τ₀/e, however small the loss.
  EXPECT_NEAR(UserTemperature(0.1, 0.0, 3.0, 1.0), 0.1 * std::exp(-1.0), 1e-12);
  EXPECT_NEAR(UserTemperature(0.1, -9.0, 3.0, 1.0), 0.1 * std::exp(-1.0),
              1e-12);
}

TEST(UserTemperatureTest, GrowsWithTheLoss) {
  double before = 0;
  for (double loss = 0; loss < 20; loss += 0.1) {
    const double tau = UserTemperature(0.1, loss, 6.0, 1.0);
    EXPECT_GE(tau, before);
    before = tau;
  }
}

TEST(BoundedUserTemperatureTest, StaysWithinAFactorOfE) {
  EXPECT_EQ(BoundedUserTemperature(0.1, 0.5, 0.4, 1),
            UserTemperature(0.1, 0.5, 0.4, 1));
  EXPECT_NEAR(BoundedUserTemperature(0.1, 1e6, 0, 1), 0.1 * std::exp(1), 1e-9);
  EXPECT_NEAR(BoundedUserTemperature(0.1, -1e6, 0, 1), 0.1 / std::exp(1), 1e-9);
}

}  // namespace
}  // namespace taud::trainer
