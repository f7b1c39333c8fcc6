#include "lab/norm_exponent.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tests/model/matrix_rows.h"

namespace taud::lab {
namespace {

TEST(SetNormsTest, FromTheCosineToTheInnerProduct) {
  const std::vector<float> norms = {5, 4, 0};
  for (const double exponent : {0.0, 0.5, 1.0, 2.0}) {
    SCOPED_TRACE(exponent);
    // The rows' own norms say nothing: a fit may give unit rows.
    model::Matrix items = model::Rows({{3, 4}, {0, -2}, {0, 0}});
    SetNorms(norms, exponent, &items);
    const double first = std::pow(5.0, exponent);
    EXPECT_FLOAT_EQ(items.Row(0)[0], 0.6 * first);
    EXPECT_FLOAT_EQ(items.Row(0)[1], 0.8 * first);
    EXPECT_FLOAT_EQ(items.Row(1)[1], -std::pow(4.0, exponent));
    // Never trained, and still not ranked.
    EXPECT_EQ(items.Row(2)[0], 0);
    EXPECT_EQ(items.Row(2)[1], 0);
  }
}

TEST(ChooseNormExponentTest, TheFirstOfTheGreatestMerit) {
  EXPECT_EQ(ChooseNormExponent({}), 0);
  EXPECT_EQ(ChooseNormExponent({{0, 0, 0}}), 0);
  EXPECT_EQ(ChooseNormExponent({{0, .2, .1}, {.1, .2, .11}, {.2, .2, .11}}),
            .1);
  EXPECT_EQ(ChooseNormExponent({{0, .2, .1}, {.1, .3, .1}, {.2, .2, .2}}), .2);
}

}  // namespace
}  // namespace taud::lab
