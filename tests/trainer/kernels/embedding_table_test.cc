#include "trainer/kernels/embedding_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace taud::trainer {
namespace {

TEST(EmbeddingTableTest, GrowsWithZeroRowsAndKeepsTheOthers) {
  EmbeddingTable table(2);
  table.GrowTo(2);
  const float values[] = {0.6f, 0.8f};
  table.Set(1, values);
  table.Moment1(1)[0] = 5;
  table.Updates(1) = 7;
  table.GrowTo(1000);
  table.GrowTo(10);  // never shrinks
  ASSERT_EQ(table.rows(), 1000u);
  EXPECT_EQ(table.Row(0)[0], 0);
  EXPECT_EQ(table.Row(1)[1], 0.8f);
  EXPECT_EQ(table.Moment1(1)[0], 5);
  EXPECT_EQ(table.Updates(1), 7u);
  EXPECT_EQ(table.Row(999)[1], 0);
}

TEST(EmbeddingTableTest, SetForgetsTheOptimiserState) {
  EmbeddingTable table(2);
  table.GrowTo(1);
  table.Moment1(0)[1] = 1;
  table.Moment2(0)[0] = 2;
  table.Updates(0) = 3;
  const float values[] = {1, 0};
  table.Set(0, values);
  EXPECT_EQ(table.Moment1(0)[1], 0);
  EXPECT_EQ(table.Moment2(0)[0], 0);
  EXPECT_EQ(table.Updates(0), 0u);
}

}  // namespace
}  // namespace taud::trainer
