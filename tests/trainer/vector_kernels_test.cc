#include "trainer/vector_kernels.h"

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

}  // namespace
}  // namespace taud::trainer
