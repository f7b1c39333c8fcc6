#include "cli/files/field_values.h"

#include <limits>

#include "cli/files/rating_scale.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using model::InteractionKind;
using testing::HasSubstr;

TEST(FieldValuesTest, Times) {
  const struct {
    const char* text;
    int64_t ms;
  } good[] = {
      {"1260759144", 1260759144000},
      {"1260759144.123", 1260759144123},
      {"1260759144123", 1260759144123},
      {"1260759144123456", 1260759144123},
      {"1260759144123456789", 1260759144123},
      {"2022-06-22T07:21:39Z", 1655882499000},
      {"2022-06-22T09:21:39.5+02:00", 1655882499500},
      {"2022-06-22 07:21:39", 1655882499000},
      {"2022-06-22 07:21:39.25", 1655882499250},
      {"2022-06-22 07:21:39 UTC", 1655882499000},
      {"2022-06-22 09:21:39 +02:00", 1655882499000},
      {"2022-06-22T07:21:39", 1655882499000},
      {"2022-06-22 07:21", 1655882460000},
      {"2022-06-22", 1655856000000},
  };
  for (const auto& c : good) {
    const auto ms = ParseTimeMs(c.text);
    ASSERT_TRUE(ms.ok()) << c.text << ": " << ms.status();
    EXPECT_EQ(*ms, c.ms) << c.text;
  }
  for (const char* bad : {"yesterday", "22/06/2022", "06-22-2022", "2022-13-01",
                          "1969-12-31", "-5", "nan", "inf", "1e30", "",
                          "2022-06-22 25:00:00", "infinite-future"}) {
    EXPECT_FALSE(ParseTimeMs(bad).ok()) << bad;
  }
  EXPECT_EQ(ParseTimeMs("5000", TimeUnit::kMilliseconds).value(), 5000);
  EXPECT_EQ(ParseTimeMs("5000", TimeUnit::kSeconds).value(), 5000000);
  EXPECT_FALSE(ParseTimeMs("1260759144123", TimeUnit::kSeconds).ok());
}

TEST(FieldValuesTest, AWeightComesBackExactly) {
  for (const float weight : {0.1f, 1.0f, 100.0f, 1.0f / 3, 1e-30f,
                             std::numeric_limits<float>::min()}) {
    EXPECT_EQ(ParseWeight(WeightText(weight)).value(), weight);
  }
  EXPECT_EQ(WeightText(0.1f), "0.1");
  EXPECT_EQ(WeightText(2.0f), "2");
}

RatingScale Guess(const std::vector<double>& ratings) {
  RatingSample sample;
  for (const double rating : ratings) sample.Add(rating);
  const auto scale = GuessScale(sample, 0);
  EXPECT_TRUE(scale.ok()) << scale.status();
  return scale.ok() ? *scale : RatingScale();
}

TEST(RatingScaleTest, IsFoundInTheFirstRatings) {
  const struct {
    std::vector<double> ratings;
    double most, positive_from, negative_to;
    bool zero_is_none;
  } cases[] = {
      {{0.5, 3, 5}, 5, 4, 2, true},
      {{1, 2}, 5, 4, 2, true},
      {{0, 10, 7}, 10, 8, 4, true},
      {{-1, 6}, 10, 8, 4, true},
      {{0, 1, 1}, 1, 0.8, 0.4, false},
      {{0.25, 0.5}, 1, 0.8, 0.4, false},
      {{-1, 0, 1}, 1, 0.8, -1, false},  // thumbs
      {{1, 1, 1}, 5, 4, 2, true},
      {{}, 5, 4, 2, true},
      {{3, 4, 4, 5, 2, 1, 11}, 5, 4, 2, true},  // one mistake
  };
  for (const auto& c : cases) {
    const RatingScale scale = Guess(c.ratings);
    EXPECT_EQ(scale.most, c.most) << testing::PrintToString(c.ratings);
    EXPECT_DOUBLE_EQ(scale.positive_from, c.positive_from);
    EXPECT_DOUBLE_EQ(scale.negative_to, c.negative_to);
    EXPECT_EQ(scale.zero_is_none, c.zero_is_none);
  }
  RatingSample jester;
  jester.Add(-9.5);
  jester.Add(8);
  EXPECT_THAT(std::string(GuessScale(jester, 0).status().message()),
              HasSubstr("--positive-from"));
}

TEST(RatingScaleTest, KindsOfRatings) {
  const RatingScale five = Guess({5});
  EXPECT_EQ(KindOfRating(4, five).value(), InteractionKind::kLike);
  EXPECT_EQ(KindOfRating(3.5, five).value(), InteractionKind::kView);
  EXPECT_EQ(KindOfRating(2, five).value(), InteractionKind::kDislike);
  EXPECT_EQ(KindOfRating(0, five).value(), InteractionKind::kView);
  EXPECT_THAT(std::string(KindOfRating(9, five).status().message()),
              HasSubstr("rating \"9\" is not on the file's scale of 0 to 5"));
  EXPECT_FALSE(KindOfRating(-3, five).ok());
  EXPECT_FALSE(KindOfRating(-0.5, five).ok());
  const RatingScale thumbs = Guess({-1, 1});
  EXPECT_EQ(KindOfRating(-1, thumbs).value(), InteractionKind::kDislike);
  EXPECT_EQ(KindOfRating(0, thumbs).value(), InteractionKind::kView);
  EXPECT_EQ(KindOfRating(1, thumbs).value(), InteractionKind::kLike);
  const RatingScale jester = ScaleFrom(0);
  EXPECT_EQ(KindOfRating(0, jester).value(), InteractionKind::kLike);
  EXPECT_EQ(KindOfRating(-0.1, jester).value(), InteractionKind::kDislike);
  EXPECT_EQ(Describe(jester), "a like from 0, else a dislike");
  EXPECT_EQ(Describe(ScaleFrom(70)),
            "a like from 70, a dislike up to 35, a view in between; 0 is no "
            "rating but a view");
  EXPECT_FALSE(ParseRating("nan").ok());
  EXPECT_FALSE(ParseRating("good").ok());
}

}  // namespace
}  // namespace taud::cli
