#include "trainer/sampling/row_negatives.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/item_lists.h"

namespace taud::trainer {
namespace {

// Item 1 is taken by all four users, items 0 and 2 by one; item 3 by nobody.
const model::ItemLists kTrain = {{1, 0}, {2, 1}, {1}, {1}};

std::vector<double> Shares(double beta) {
  RowNegatives negatives(kTrain, 4, beta, 7);
  const uint32_t user = 2;
  const uint32_t positive = 1;
  std::vector<uint32_t> items;
  std::vector<uint8_t> excluded;
  negatives.Draw(&user, &positive, 1, 60000, true, &items, &excluded);
  std::vector<double> shares(4, 0.0);
  for (const uint32_t item : items) shares[item] += 1.0 / 60000;
  return shares;
}

TEST(RowNegativesTest, DrawsByPopularityToThePowerOfBeta) {
  for (const double beta : {0.0, 0.5, 1.0}) {
    const double popular = std::pow(4.0, beta);
    const std::vector<double> shares = Shares(beta);
    EXPECT_NEAR(shares[1], popular / (popular + 2), 0.01) << beta;
    EXPECT_NEAR(shares[0], 1 / (popular + 2), 0.01) << beta;
    EXPECT_EQ(shares[3], 0) << beta;
  }
}

TEST(RowNegativesTest, MarksWhatTheUserHas) {
  RowNegatives negatives(kTrain, 4, 0.0, 7);
  const std::vector<uint32_t> users = {0, 1};
  const std::vector<uint32_t> positives = {0, 2};
  std::vector<uint32_t> items;
  std::vector<uint8_t> excluded;
  negatives.Draw(users.data(), positives.data(), 2, 50, true, &items,
                 &excluded);
  ASSERT_EQ(items.size(), 100u);
  for (size_t i = 0; i < 100; ++i) {
    const bool known = items[i] == 1 || items[i] == (i < 50 ? 0u : 2u);
    EXPECT_EQ(excluded[i] != 0, known) << i;
  }
  negatives.Draw(users.data(), positives.data(), 2, 50, false, &items,
                 &excluded);
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(excluded[i] != 0, items[i] == positives[i / 50]) << i;
  }
}

TEST(RowNegativesTest, PaddingCanBeDrawnThoughNobodyHasIt) {
  RowNegatives negatives({{0, 2}}, 6, 0.0, 1, /*padding=*/2);
  const uint32_t user = 0;
  const uint32_t positive = 2;
  std::vector<uint32_t> items;
  std::vector<uint8_t> excluded;
  negatives.Draw(&user, &positive, 1, 500, false, &items, &excluded);
  EXPECT_EQ(std::set<uint32_t>(items.begin(), items.end()),
            (std::set<uint32_t>{0, 2, 4, 5}));
}

}  // namespace
}  // namespace taud::trainer
