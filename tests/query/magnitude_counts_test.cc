#include "query/magnitude_counts.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace taud::query {
namespace {

TEST(MagnitudeCountsTest, GreaterValuesHaveNoSmallerMagnitude) {
  std::vector<float> values = {std::numeric_limits<float>::denorm_min(),
                               1e-30f,
                               0.0999f,
                               0.1f,
                               1.0f,
                               1.125f,
                               3e30f,
                               std::numeric_limits<float>::max()};
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    EXPECT_LE(MagnitudeCounts::Of(values[i]),
              MagnitudeCounts::Of(values[i + 1]));
  }
  EXPECT_LT(MagnitudeCounts::Of(1.0f), MagnitudeCounts::Of(1.125f));
  EXPECT_EQ(MagnitudeCounts::Bound(MagnitudeCounts::Of(1.1f)), 1.0f);
  EXPECT_EQ(MagnitudeCounts::Bound(MagnitudeCounts::Of(1.1f) + 1), 1.125f);
}

TEST(MagnitudeCountsTest, TellsWhichAreTheGreatest) {
  std::mt19937 random(3);
  std::lognormal_distribution<float> draw(0, 2);
  for (int round = 0; round < 300; ++round) {
    std::vector<float> values(1 + random() % 500);
    MagnitudeCounts counts;
    for (float& value : values) counts.Add(value = draw(random));
    std::sort(values.begin(), values.end(), std::greater<float>());
    const size_t wanted = 1 + random() % 300;
    size_t above = 0;
    const uint32_t last = counts.Reaching(wanted, &above);
    const auto reach = [&](uint32_t magnitude) {
      return static_cast<size_t>(
          std::count_if(values.begin(), values.end(), [&](float value) {
            return MagnitudeCounts::Of(value) >= magnitude;
          }));
    };
    EXPECT_EQ(above, reach(last + 1));
    EXPECT_LT(above, wanted);
    if (wanted > values.size()) continue;
    EXPECT_GE(reach(last), wanted);
    EXPECT_EQ(MagnitudeCounts::Of(values[wanted - 1]), last);
  }
}

TEST(MagnitudeCountsTest, OfNothingNothingIsReached) {
  size_t above = 7;
  EXPECT_EQ(MagnitudeCounts().Reaching(1, &above), 0u);
  EXPECT_EQ(above, 0u);
}

}  // namespace
}  // namespace taud::query
