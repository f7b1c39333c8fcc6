#include "trainer/temperature/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace taud::trainer {
namespace {

TEST(MomentsTest, MatchesVisitingEveryPair) {
  constexpr int kDim = 6;
  constexpr size_t kUsers = 9;
  constexpr size_t kItems = 13;
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0.3f, 1.0f);
  const auto fill = [&](size_t rows, size_t untrained) {
    std::vector<float> values(rows * kDim, 0.0f);
    for (size_t r = 0; r < rows; ++r) {
      if (r == untrained) continue;
      double norm = 0;
      for (int c = 0; c < kDim; ++c) {
        values[r * kDim + c] = normal(random);
        norm += std::pow(values[r * kDim + c], 2);
      }
      for (int c = 0; c < kDim; ++c) {
        values[r * kDim + c] /= static_cast<float>(std::sqrt(norm));
      }
    }
    return values;
  };
  const std::vector<float> users = fill(kUsers, 4);
  const std::vector<float> items = fill(kItems, 0);
  const auto cosine = [&](size_t u, size_t i) {
    double f = 0;
    for (int c = 0; c < kDim; ++c)
      f += users[u * kDim + c] * items[i * kDim + c];
    return f;
  };
  double sum = 0, square = 0;
  for (size_t u = 0; u < kUsers; ++u) {
    for (size_t i = 0; i < kItems; ++i) {
      sum += cosine(u, i);
      square += std::pow(cosine(u, i), 2);
    }
  }
  const double pairs = (kUsers - 1) * (kItems - 1);

  const CosineMoments moments =
      ComputeMoments(kDim, {users.data(), kUsers, kUsers - 1},
                     {items.data(), kItems, kItems - 1}, {0, 1, 1}, {5, 6, 7});
  EXPECT_NEAR(moments.mean, sum / pairs, 1e-6);
  EXPECT_NEAR(moments.variance, square / pairs - std::pow(sum / pairs, 2),
              1e-6);
  const double f[] = {cosine(0, 5), cosine(1, 6), cosine(1, 7)};
  const double mean = (f[0] + f[1] + f[2]) / 3;
  EXPECT_NEAR(moments.positive_mean, mean, 1e-6);
  double spread = 0;
  for (const double x : f) spread += (x - mean) * (x - mean) / 3;
  EXPECT_NEAR(moments.positive_variance, spread, 1e-6);
}

TEST(MomentsTest, NothingToAverage) {
  const CosineMoments moments = ComputeMoments(4, {}, {}, {}, {});
  EXPECT_EQ(moments.mean, 0);
  EXPECT_EQ(moments.variance, 0);
  EXPECT_EQ(moments.positive_mean, 0);
  EXPECT_EQ(moments.positive_variance, 0);
}

}  // namespace
}  // namespace taud::trainer
