#include "trainer/evaluation/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "model/item_lists.h"
#include "tests/trainer/evaluate_ranking.h"

namespace taud::trainer {
namespace {

model::Matrix MatrixOf(size_t cols, const std::vector<float>& values) {
  model::Matrix matrix(values.size() / cols, cols);
  matrix.values = values;
  return matrix;
}

TEST(GainOfRankTest, FallsWithTheLogarithm) {
  EXPECT_DOUBLE_EQ(GainOfRank(1), 1);
  EXPECT_DOUBLE_EQ(GainOfRank(3), 0.5);
  EXPECT_NEAR(GainOfRank(1023), 0.1, 1e-12);
}

TEST(EvaluationTest, ByHand) {
  // Scores of the only user: 5, 4, 3, 2, 1.
  const model::Matrix users = MatrixOf(1, {1});
  const model::Matrix items = MatrixOf(1, {5, 4, 3, 2, 1});
  // Item 0 is known; 1 is found at rank 1, 3 at rank 3, 4 not within 3.
  const RankingQuality quality =
      EvaluateRanking(users, items, {{0}}, {{1, 3, 4}}, 3, 1);
  EXPECT_EQ(quality.users, 1u);
  EXPECT_NEAR(quality.recall, 2.0 / 3.0, 1e-12);
  const double ideal = 1.0 + 1.0 / std::log2(3.0) + 0.5;
  EXPECT_NEAR(quality.ndcg, (1.0 + 0.5) / ideal, 1e-12);
}

TEST(EvaluationTest, IdealIsOverAsManyAsCanBeFound) {
  const model::Matrix users = MatrixOf(1, {1});
  const model::Matrix items = MatrixOf(1, {5, 4, 3});
  EXPECT_NEAR(EvaluateRanking(users, items, {}, {{0, 1, 2}}, 1, 1).ndcg, 1.0,
              1e-12);
  EXPECT_NEAR(EvaluateRanking(users, items, {}, {{0}}, 3, 1).ndcg, 1.0, 1e-12);
}

TEST(EvaluationTest, AveragesOverUsersWithTestItemsOnly) {
  const model::Matrix users = MatrixOf(1, {1, 1, -1});
  const model::Matrix items = MatrixOf(1, {2, 1});
  const RankingQuality quality =
      EvaluateRanking(users, items, {}, {{0}, {}, {0}}, 1, 1);
  EXPECT_EQ(quality.users, 2u);
  EXPECT_NEAR(quality.recall, 0.5, 1e-12);
}

TEST(EvaluationTest, UnknownUsersAndItemsCountAsMissed) {
  const model::Matrix users = MatrixOf(1, {1});
  const model::Matrix items = MatrixOf(1, {2, 1});
  const RankingQuality quality =
      EvaluateRanking(users, items, {{77}}, {{0, 99}, {0}}, 2, 1);
  EXPECT_EQ(quality.users, 2u);
  EXPECT_NEAR(quality.recall, 0.25, 1e-12);
}

TEST(EvaluationTest, UntrainedItemsAreNotRanked) {
  // A zero row would score above every negative cosine.
  const model::Matrix users = MatrixOf(1, {1});
  const model::Matrix items = MatrixOf(1, {0, -1});
  EXPECT_EQ(EvaluateRanking(users, items, {}, {{1}}, 1, 1).recall, 1.0);
}

TEST(EvaluationTest, TiesGoToTheLowerIndex) {
  const model::Matrix users = MatrixOf(1, {1});
  const model::Matrix items = MatrixOf(1, {1, 1, 1, 1});
  EXPECT_EQ(EvaluateRanking(users, items, {}, {{0, 1}}, 2, 1).recall, 1.0);
  EXPECT_EQ(EvaluateRanking(users, items, {}, {{2, 3}}, 2, 1).recall, 0.0);
}

TEST(EvaluationTest, NothingToRank) {
  const model::Matrix users = MatrixOf(1, {1});
  EXPECT_EQ(EvaluateRanking(users, model::Matrix(0, 1), {}, {{0}}, 5, 1).recall,
            0.0);
  EXPECT_EQ(EvaluateRanking(users, users, {}, {}, 5, 1).users, 0u);
}

TEST(EvaluationTest, MatchesSortingEverythingOnAnyNumberOfThreads) {
  constexpr size_t kUsers = 150;
  constexpr size_t kItems = 90;
  constexpr size_t kDim = 5;
  constexpr size_t kTop = 7;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  model::Matrix users(kUsers, kDim);
  model::Matrix items(kItems, kDim);
  for (float& x : users.values) x = normal(random);
  for (float& x : items.values) x = normal(random);
  model::ItemLists train(kUsers);
  model::ItemLists test(kUsers);
  for (size_t u = 0; u < kUsers; ++u) {
    for (uint32_t i = 0; i < kItems; ++i) {
      const auto roll = random() % 10;
      if (roll == 0) train[u].push_back(i);
      if (roll == 1) test[u].push_back(i);
    }
  }
  double recall = 0;
  size_t counted = 0;
  for (size_t u = 0; u < kUsers; ++u) {
    if (test[u].empty()) continue;
    ++counted;
    std::vector<std::pair<double, uint32_t>> scores;
    for (uint32_t i = 0; i < kItems; ++i) {
      if (std::count(train[u].begin(), train[u].end(), i)) continue;
      double dot = 0;
      for (size_t c = 0; c < kDim; ++c)
        dot += users.Row(u)[c] * items.Row(i)[c];
      scores.emplace_back(-dot, i);
    }
    std::sort(scores.begin(), scores.end());
    scores.resize(kTop);
    double hits = 0;
    for (const auto& [score, item] : scores) {
      hits +=
          static_cast<double>(std::count(test[u].begin(), test[u].end(), item));
    }
    recall += hits / static_cast<double>(test[u].size());
  }
  recall /= static_cast<double>(counted);
  for (const int threads : {1, 2, 5}) {
    EXPECT_NEAR(
        EvaluateRanking(users, items, train, test, kTop, threads).recall,
        recall, 1e-12);
  }
}

}  // namespace
}  // namespace taud::trainer
