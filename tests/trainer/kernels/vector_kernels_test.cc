#include "trainer/kernels/vector_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace taud::trainer {
namespace {

TEST(VectorKernelsTest, ExpIsAccurateOverItsRange) {
  for (float x = 0.0f; x > -87.0f; x -= 0.0371f) {
    float value = x;
    const float sum = ExpInPlace(0.0f, 1.0f, 1, &value);
    const double exact = std::exp(double{x});
    EXPECT_NEAR(value / exact, 1.0, 1e-6 + 1e-7 * std::abs(x)) << x;
    EXPECT_EQ(sum, value);
  }
}

TEST(VectorKernelsTest, ExpFarBelowIsAsGoodAsZero) {
  for (const float x : {-87.0f, -200.0f, -1e30f, -INFINITY}) {
    float value = x;
    ExpInPlace(0.0f, 1.0f, 1, &value);
    EXPECT_LE(value, 2e-38f);
    EXPECT_GE(value, 0.0f);
  }
}

TEST(VectorKernelsTest, LengthsThatAreNoMultipleOfAVector) {
  for (int64_t n = 1; n < 70; ++n) {
    std::vector<float> x(static_cast<size_t>(n)), y(x);
    double dot = 0, sum = 0;
    float most = -10;
    for (int64_t i = 0; i < n; ++i) {
      x[i] = static_cast<float>(std::sin(i * 1.3)) - 1.0f;
      y[i] = static_cast<float>(std::cos(i * 0.7));
      dot += double{x[i]} * y[i];
      sum += std::exp((double{x[i]} - 0.5) * 2.0);
      most = std::max(most, x[i]);
    }
    EXPECT_NEAR(Dot(x.data(), y.data(), n), dot, 1e-4);
    EXPECT_EQ(MaxOf(x.data(), n), most);
    EXPECT_NEAR(ExpSum(x.data(), 0.5f, 2.0f, n), sum, 1e-5 * sum);
    std::vector<float> z = y;
    AddScaled(0.5f, x.data(), n, z.data());
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(z[i], y[i] + 0.5f * x[i], 1e-6);
    EXPECT_NEAR(ExpInPlace(0.5f, 2.0f, n, x.data()), sum, 1e-5 * sum);
  }
}

// Adam as its authors write it (Kingma and Ba, ICLR 2015, Algorithm 1).
TEST(VectorKernelsTest, AFreeAdamStepIsTheAlgorithms) {
  constexpr int64_t kWidth = 19;
  std::vector<float> row(kWidth, 0.5f), m(kWidth, 0.0f), v(m), g(kWidth);
  std::vector<double> x(kWidth, 0.5), m1(kWidth, 0.0), v1(kWidth, 0.0);
  for (int t = 1; t <= 5; ++t) {
    const double scale = t == 3 ? 0.9 : 1.0;
    AdamStep step;
    step.rate = static_cast<float>(0.01 / (1 - std::pow(0.9, t)));
    step.correction2 = static_cast<float>(1 / (1 - std::pow(0.999, t)));
    double square = 0;
    for (int64_t i = 0; i < kWidth; ++i) {
      g[i] = static_cast<float>(std::sin(i * 1.7 + t));
      m1[i] = 0.9 * m1[i] + 0.1 * g[i];
      v1[i] = 0.999 * v1[i] + 0.001 * g[i] * g[i];
      x[i] = scale * x[i] -
             0.01 * (m1[i] / (1 - std::pow(0.9, t))) /
                 (std::sqrt(v1[i] / (1 - std::pow(0.999, t))) + 1e-8);
      square += x[i] * x[i];
    }
    EXPECT_NEAR(AdamFree(step, static_cast<float>(scale), g.data(), kWidth,
                         row.data(), m.data(), v.data()),
                square, 1e-4);
    for (int64_t i = 0; i < kWidth; ++i) EXPECT_NEAR(row[i], x[i], 1e-5);
  }
}

}  // namespace
}  // namespace taud::trainer
