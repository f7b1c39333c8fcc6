#include "trainer/offline/offline_temperatures.h"

#include <gtest/gtest.h>

#include <cmath>

namespace taud::trainer {
namespace {

constexpr double kLogSparsity = 5.0;

// What an epoch leaves: users 0 to 3 with losses 1 to 4.
void EndEpoch(OfflineTemperatures* temperatures, double gap = 0.5) {
  for (uint32_t user = 0; user < 4; ++user) {
    temperatures->Add(user, user + 1.0);
    temperatures->Add(user, user + 1.0);
  }
  CosineMoments moments;
  moments.positive_mean = gap;
  moments.variance = 0.04;
  moments.positive_variance = 0.02;
  temperatures->EndEpoch(moments);
}

OfflineTemperatures Make(const OfflineFitOptions& options) {
  return OfflineTemperatures(options, {2, 2, 2, 2, 0}, kLogSparsity);
}

TEST(OfflineTemperaturesTest, EverybodyStartsWithThePrior) {
  const OfflineFitOptions options;
  const auto temperatures = Make(options);
  EXPECT_DOUBLE_EQ(temperatures.tau0(), options.governor.prior_gap / 5);
  EXPECT_FLOAT_EQ(temperatures.Of(3), static_cast<float>(temperatures.tau0()));
}

TEST(OfflineTemperaturesTest, AfterTheWarmUpEquation16) {
  OfflineFitOptions options;
  options.held_tau0 = 0.1;
  auto temperatures = Make(options);
  for (int e = 0; e < options.governor.warm_up; ++e) EndEpoch(&temperatures);
  for (uint32_t user = 0; user < 4; ++user) {
    EXPECT_FLOAT_EQ(temperatures.Of(user),
                    static_cast<float>(BoundedUserTemperature(
                        0.1, user + 1.0, 2.5, options.super_loss)));
  }
  EXPECT_LT(temperatures.Of(0), 0.1f);
  EXPECT_GT(temperatures.Of(3), 0.1f);
}

TEST(OfflineTemperaturesTest, TheThresholdMayBeAQuantile) {
  OfflineFitOptions options;
  options.held_tau0 = 0.1;
  options.threshold_quantile = 0.99;
  auto temperatures = Make(options);
  for (int e = 0; e < options.governor.warm_up; ++e) EndEpoch(&temperatures);
  // The third of four: user 2 is at the threshold.
  EXPECT_FLOAT_EQ(temperatures.Of(2), 0.1f);
  EXPECT_LT(temperatures.Of(1), 0.1f);
}

TEST(OfflineTemperaturesTest, Tau0ComesToEquation14OrTo13) {
  for (const bool eq13 : {false, true}) {
    OfflineFitOptions options;
    options.eq13 = eq13;
    auto temperatures = Make(options);
    for (int e = 0; e < 100; ++e) EndEpoch(&temperatures);
    CosineMoments moments;
    moments.positive_mean = 0.5;
    moments.variance = 0.04;
    moments.positive_variance = 0.02;
    EXPECT_NEAR(temperatures.tau0(),
                eq13 ? Tau0Eq13(moments, kLogSparsity)
                     : Tau0Eq14(moments, kLogSparsity),
                1e-6);
  }
}

TEST(OfflineTemperaturesTest, RulesThatDoNotAdapt) {
  OfflineFitOptions options;
  options.temperature = TemperatureRule::kFixed;
  options.tau = 0.3;
  auto fixed = Make(options);
  options.temperature = TemperatureRule::kNone;
  auto none = Make(options);
  for (int e = 0; e < 10; ++e) {
    EndEpoch(&fixed);
    EndEpoch(&none);
  }
  EXPECT_FLOAT_EQ(fixed.Of(0), 0.3f);
  EXPECT_FLOAT_EQ(none.Of(3), 1.0f);
}

TEST(OfflineTemperaturesTest, LossesAreComparedAtTau0IfAsked) {
  OfflineFitOptions options;
  options.common_temperature = 0;
  options.held_tau0 = 0.2;
  EXPECT_DOUBLE_EQ(Make(options).common(), 0.2);
  options.common_temperature = 1.0;
  EXPECT_DOUBLE_EQ(Make(options).common(), 1.0);
}

}  // namespace
}  // namespace taud::trainer
