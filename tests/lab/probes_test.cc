#include "lab/probes.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::lab {
namespace {

using ::testing::ElementsAre;

TEST(MeanByPopularityTest, GroupsHoldTheSameInteractions) {
  // Ten items of one interaction: a group each, in their order.
  std::vector<float> values;
  for (int i = 0; i < 10; ++i) values.push_back(static_cast<float>(i));
  const GroupMeans means =
      MeanByPopularity(values, std::vector<uint32_t>(10, 1));
  for (size_t g = 0; g < means.size(); ++g) EXPECT_EQ(means[g], g);
}

TEST(MeanByPopularityTest, ItemsThatNobodyHasDoNotCount) {
  std::vector<uint32_t> popularity(11, 1);
  popularity[10] = 0;
  std::vector<float> values(11, 2.0f);
  values[10] = 100;
  for (const double mean : MeanByPopularity(values, popularity)) {
    EXPECT_EQ(mean, 2);
  }
}

// One user (1, 0) with items (1, 0), (0, 1) and one that was never learnt.
TEST(GradientMagnitudeTest, IsEquation8) {
  model::Matrix users(1, 2);
  users.values = {1, 0};
  model::Matrix items(3, 2);
  items.values = {1, 0, 0, 1, 0, 0};
  const double tau = 0.5;
  const double share = std::exp(1 / tau) / (std::exp(1 / tau) + 1);
  EXPECT_NEAR(
      GradientMagnitude(users, items, {{0}}, {static_cast<float>(tau)}, 10),
      2 * share * (1 - share) / (2 * tau), 1e-6);
}

TEST(GradientMagnitudeTest, VanishesWhereTauIsSmallOrLarge) {
  model::Matrix users(1, 2);
  users.values = {1, 0};
  model::Matrix items(40, 2);
  for (size_t i = 0; i < 40; ++i) {
    items.values[2 * i] = i == 0 ? 0.9f : 0.1f;
    items.values[2 * i + 1] = 0.3f;
  }
  const auto at = [&](float tau) {
    return GradientMagnitude(users, items, {{0}}, {tau}, 1);
  };
  EXPECT_GT(at(0.2f), 2 * at(0.02f));
  EXPECT_GT(at(0.2f), 2 * at(2.0f));
}

TEST(GradientMagnitudeTest, NobodyIsZero) {
  EXPECT_EQ(GradientMagnitude(model::Matrix(1, 2), model::Matrix(1, 2), {{}},
                              {0}, 10),
            0);
}

TEST(HistogramTest, BothEndsAreIn) {
  const Histogram histogram = MakeHistogram({0, 1, 2, 4}, 2);
  EXPECT_EQ(histogram.least, 0);
  EXPECT_EQ(histogram.most, 4);
  EXPECT_THAT(histogram.counts, ElementsAre(2, 2));
}

TEST(HistogramTest, ValuesBeyondTheRangeAreLeftOut) {
  EXPECT_THAT(MakeHistogram({-1, 0.1f, 0.9f, 2}, 2, 0, 1).counts,
              ElementsAre(1, 1));
}

TEST(HistogramTest, OneValueAndNone) {
  EXPECT_THAT(MakeHistogram({3, 3}, 3).counts, ElementsAre(2, 0, 0));
  EXPECT_THAT(MakeHistogram({}, 2).counts, ElementsAre(0, 0));
}

}  // namespace
}  // namespace taud::lab
