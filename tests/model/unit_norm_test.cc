#include "model/unit_norm.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using testing::FloatNear;
using testing::Pointwise;

TEST(NormaliseTest, ScalesToUnitNorm) {
  std::vector<float> row = {3, 4};
  EXPECT_TRUE(Normalise(&row));
  EXPECT_THAT(row, Pointwise(FloatNear(1e-6f), std::vector<float>{0.6f, 0.8f}));
}

TEST(NormaliseTest, LeavesWhatHasNoDirection) {
  for (const float value : {0.0f, 1e-7f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> row = {value, 0};
    EXPECT_FALSE(Normalise(&row)) << value;
    EXPECT_EQ(row[1], 0) << value;
    if (std::isfinite(value)) {
      EXPECT_EQ(row[0], value);
    }
  }
}

}  // namespace
}  // namespace taud::model
