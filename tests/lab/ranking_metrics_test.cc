#include "lab/ranking_metrics.h"

#include <cmath>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

TEST(MeasureListTest, ByHand) {
  const ListQuality quality =
      MeasureList({"a", "x", "b", "y"}, {"a", "b", "c"}, 4);
  EXPECT_DOUBLE_EQ(quality.recall, 2.0 / 3);
  // Hits at ranks 1 and 3 of an ideal 1, 2, 3.
  const double ideal = 1 + 1 / std::log2(3) + 1 / std::log2(4);
  EXPECT_DOUBLE_EQ(quality.ndcg, (1 + 1 / std::log2(4)) / ideal);
}

TEST(MeasureListTest, OnlyTheFirstKCount) {
  const ListQuality quality = MeasureList({"x", "a"}, {"a", "b"}, 1);
  EXPECT_EQ(quality.recall, 0);
  EXPECT_EQ(quality.ndcg, 0);
  // One place, two relevant items: the best possible list.
  EXPECT_EQ(MeasureList({"a", "x"}, {"a", "b"}, 1).ndcg, 1);
}

TEST(MeasureListTest, AShortListMisses) {
  const ListQuality quality = MeasureList({"a"}, {"a", "b"}, 10);
  EXPECT_EQ(quality.recall, 0.5);
  EXPECT_LT(quality.ndcg, 1);
}

}  // namespace
}  // namespace taud::lab
