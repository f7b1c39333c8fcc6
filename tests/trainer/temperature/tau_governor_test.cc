#include "trainer/temperature/tau_governor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace taud::trainer {
namespace {

TauGovernorOptions Plain() {
  TauGovernorOptions options;
  options.prior_gap = 0.7;
  options.warm_up = 2.0;
  options.smoothing = 1.0;
  options.max_rate = 0.15;
  options.min_gap = 0.25;
  options.max_gap = 1.0;
  options.min_tau = 0.03;
  options.max_tau = 0.5;
  return options;
}

struct Row {
  const char* name;
  TauGovernorInput input;  // tau0, gap, log_sparsity, passes, elapsed
  double expected;
};

TEST(TauGovernorTest, Table) {
  const double nan = std::nan("");
  const double inf = std::numeric_limits<double>::infinity();
  const double smooth = 1.0 - std::exp(-0.1);
  const Row rows[] = {
      {"nothing known: prior", {0, nan, 7.0, 0, 0}, 0.1},
      {"warming up: prior, whatever is measured", {0.3, 0.1, 7.0, 1.9, 1}, 0.1},
      {"warming up follows the size of the data", {0.1, 0.5, 3.5, 1, 1}, 0.2},
      {"no value, even after the warm-up: prior", {0, 0.5, 7.0, 5, 1}, 0.1},
      {"at the target: stays", {0.08, 0.56, 7.0, 5, 0.1}, 0.08},
      {"near the target: smoothed",
       {0.1, 0.714, 7.0, 5, 0.1},
       0.1 * std::exp(smooth * std::log(0.102 / 0.1))},
      {"far above: rate limit",
       {0.2, 0.56, 7.0, 5, 0.1},
       0.2 * std::exp(-0.015)},
      {"far below: rate limit",
       {0.05, 0.56, 7.0, 5, 0.1},
       0.05 * std::exp(0.015)},
      {"no time, no change", {0.2, 0.56, 7.0, 5, 0}, 0.2},
      {"negative time counts as none", {0.2, 0.56, 7.0, 5, -3}, 0.2},
      {"gap is NaN: holds", {0.12, nan, 7.0, 5, 0.1}, 0.12},
      {"gap is infinite: holds", {0.12, inf, 7.0, 5, 0.1}, 0.12},
      {"below the bounds: comes back at once", {1e-9, 0.56, 7.0, 5, 0}, 0.03},
      {"above the bounds: comes back at once", {9.0, 0.56, 7.0, 5, 0}, 0.5},
      {"denser than the lemma allows", {0, nan, -2.0, 0, 0}, 0.5},
      {"very sparse: least temperature", {0, nan, 100.0, 0, 0}, 0.03},
  };
  for (const Row& row : rows) {
    EXPECT_NEAR(GovernTau0(Plain(), row.input), row.expected, 1e-12)
        << row.name;
  }
}

// Runs `passes` passes of a model whose gap answers to τ₀ as `gap_of` says.
template <typename GapOf>
double Settle(double tau0, double log_sparsity, int passes, GapOf gap_of) {
  constexpr double kElapsed = 0.125;
  for (double done = 2; done < 2 + passes; done += kElapsed) {
    tau0 =
        GovernTau0(Plain(), {tau0, gap_of(tau0), log_sparsity, done, kElapsed});
  }
  return tau0;
}

TEST(TauGovernorTest, ACollapsingLoopStopsAtTheBound) {
  // The gap shrinks with τ₀ faster than τ₀ does: unbounded, Eq. 14 goes
  // .31 → .17 → .07 → .02 → below zero. Here gap ∝ τ₀².
  const double floor = 0.25 / 2.44;
  const double end = Settle(0.3, 2.44, 200,
                            [](double tau) { return 2.44 * tau * tau / 0.35; });
  EXPECT_NEAR(end, floor, 1e-6);
  // Even if the gap turns negative.
  EXPECT_NEAR(Settle(0.3, 2.44, 200, [](double) { return -0.5; }), floor, 1e-6);
}

TEST(TauGovernorTest, ARunawayLoopStopsAtTheBound) {
  EXPECT_NEAR(Settle(0.1, 7.0, 200, [](double tau) { return 20 * tau; }),
              1.0 / 7.0, 1e-6);
}

TEST(TauGovernorTest, AStableLoopReachesItsFixedPoint) {
  // gap = .3 + τ₀, log 7: τ₀ = .3 / 6.
  EXPECT_NEAR(Settle(0.1, 7.0, 200, [](double tau) { return 0.3 + tau; }), 0.05,
              1e-4);
}

TEST(TauGovernorTest, AnOscillatingMeasurementDoesNotGetThrough) {
  bool high = false;
  double least = 1;
  double most = 0;
  Settle(0.08, 7.0, 50, [&](double tau) {
    least = std::min(least, tau);
    most = std::max(most, tau);
    high = !high;
    return high ? 0.9 : 0.3;
  });
  EXPECT_GT(least, 0.07);
  EXPECT_LT(most, 0.09);
}

}  // namespace
}  // namespace taud::trainer
