#include "lab/rho_trials.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

double Choose(const std::vector<double>& rhos,
              const std::vector<double>& recalls) {
  std::vector<Trial> trials;
  for (size_t i = 0; i < rhos.size(); ++i) {
    trials.push_back({rhos[i], recalls[i], 0});
  }
  return ChooseRho(trials);
}

std::optional<double> Next(const std::vector<double>& rhos,
                           const std::vector<double>& recalls) {
  std::vector<Trial> trials;
  for (size_t i = 0; i < rhos.size(); ++i) {
    trials.push_back({rhos[i], recalls[i], 0});
  }
  return NextRho(trials);
}

TEST(NextRhoTest, UpWhileRecallRisesAndNoFurtherThanThreeSteps) {
  EXPECT_DOUBLE_EQ(*Next({1.0}, {0.2}), 1.1);
  EXPECT_DOUBLE_EQ(*Next({1.0, 1.1}, {0.2, 0.21}), 1.2);
  EXPECT_DOUBLE_EQ(*Next({1.0, 1.1, 1.2}, {0.2, 0.21, 0.22}), 1.3);
  EXPECT_FALSE(Next({1.0, 1.1, 1.2}, {0.2, 0.21, 0.21}).has_value());
  EXPECT_FALSE(Next({1.0, 1.1, 1.2, 1.3}, {0.2, 0.21, 0.22, 0.23}).has_value());
}

TEST(NextRhoTest, BetweenOneAndTheFirstStepWhereThatIsNoBetter) {
  EXPECT_DOUBLE_EQ(*Next({1.0, 1.1}, {0.2503, 0.2499}), 1.05);
  EXPECT_FALSE(Next({1.0, 1.05, 1.1}, {0.2503, 0.2530, 0.2499}).has_value());
  EXPECT_FALSE(Next({1.0, 1.05, 1.1}, {0.2503, 0.2400, 0.2300}).has_value());
  EXPECT_FALSE(Next({1.0, 1.05, 1.1}, {0.2503, 0.2400, 0.2450}).has_value());
}

TEST(ChooseRhoTest, TheVertexOfTheParabola) {
  // Of 0.2 − (ρ − 1.13)², seen at three places.
  EXPECT_DOUBLE_EQ(Choose({1.0, 1.1, 1.2}, {0.1831, 0.1991, 0.1951}), 1.13);
  // Steps that differ.
  EXPECT_DOUBLE_EQ(Choose({1.0, 1.1, 1.3}, {0.1831, 0.1991, 0.1711}), 1.13);
  // Only the best one's neighbours count.
  EXPECT_DOUBLE_EQ(
      Choose({1.0, 1.1, 1.2, 1.3}, {0.01, 0.1998, 0.1998 + 1e-9, 0.17}), 1.15);
}

TEST(ChooseRhoTest, TheBestItselfWhereItHasNoTwoNeighbours) {
  EXPECT_EQ(Choose({1.0}, {0.2}), 1.0);
  EXPECT_EQ(Choose({1.0, 1.1}, {0.2, 0.1}), 1.0);
  EXPECT_EQ(Choose({1.0, 1.1, 1.2}, {0.1, 0.2, 0.3}), 1.2);
}

TEST(ChooseRhoTest, NothingToTellThemApart) {
  EXPECT_EQ(Choose({1.0, 1.1, 1.2}, {0.2, 0.2, 0.2}), 1.0);
  EXPECT_EQ(Choose({1.0, 1.1}, {0.0, 0.0}), 1.0);
}

// What twelve epochs gave on the slices of two data sets, whose best ρ is 1.06
// and 1.22 according to BSL (arXiv 2312.12882).
TEST(ChooseRhoTest, FindsWhatWasTunedByHandElsewhere) {
  EXPECT_NEAR(Choose({1.0, 1.1, 1.2}, {0.2490, 0.2540, 0.2292}), 1.06, 0.011);
  EXPECT_NEAR(Choose({1.0, 1.1, 1.2, 1.3}, {0.1993, 0.2026, 0.20447, 0.20355}),
              1.22, 0.011);
}

}  // namespace
}  // namespace taud::lab
