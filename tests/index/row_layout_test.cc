#include "index/gpu/row_layout.h"

#include <set>

#include "gtest/gtest.h"

namespace taud::index {
namespace {

TEST(RowLayoutTest, EveryRowHasOnePlace) {
  for (const uint32_t group : {8u, 16u, 32u}) {
    for (const uint32_t rows : {1u, 31u, 128u, 129u, 1000u}) {
      RowLayout layout;
      layout.rows = rows;
      layout.group = group;
      std::set<uint32_t> met;
      for (uint32_t tile = 0; tile < layout.tiles(); ++tile) {
        for (uint32_t n = 0; n < 8; ++n) met.insert(layout.Row(tile, n));
      }
      EXPECT_EQ(met.size(), layout.tiles() * 8) << group << " " << rows;
      EXPECT_EQ(*met.begin(), 0u);
      EXPECT_EQ(*met.rbegin(), layout.tiles() * 8 - 1);
      EXPECT_GE(met.size(), rows);
    }
  }
}

// What the kernel counts on: the columns that one thread holds in the tiles of
// a block, 2 t and 2 t + 1, are one group.
TEST(RowLayoutTest, AThreadsColumnsAreAGroup) {
  for (const uint32_t group : {8u, 16u, 32u}) {
    RowLayout layout;
    layout.rows = 1000;
    layout.group = group;
    const uint32_t tiles = layout.tiles_per_block();
    for (uint32_t tile = 0; tile < layout.tiles(); ++tile) {
      for (uint32_t thread = 0; thread < 4; ++thread) {
        const uint32_t expected = tile / tiles * 4 + thread;
        for (const uint32_t n : {2 * thread, 2 * thread + 1}) {
          EXPECT_EQ(layout.Row(tile, n) / group, expected);
          // The bit of the group's word that says whether it is allowed.
          EXPECT_EQ(layout.Row(tile, n) % group, 2 * (tile % tiles) + n % 2);
        }
      }
    }
  }
}

TEST(RowLayoutTest, GroupsGrowWithTheCatalogue) {
  EXPECT_EQ(GroupRows(1), 8u);
  EXPECT_EQ(GroupRows(41000), 8u);
  EXPECT_EQ(GroupRows(200000), 16u);
  EXPECT_EQ(GroupRows(10000000), 32u);
}

TEST(RowLayoutTest, WidthsAreRoundedUp) {
  EXPECT_EQ(DepthOf(1), 2u);
  EXPECT_EQ(DepthOf(32), 2u);
  EXPECT_EQ(DepthOf(64), 4u);
  EXPECT_EQ(DepthOf(65), 8u);
  EXPECT_EQ(DepthOf(256), 16u);
  EXPECT_EQ(DepthOf(257), 0u);
}

TEST(RowLayoutTest, ExactWordsDoNotOverlap) {
  constexpr uint32_t kRows = 70;
  constexpr uint32_t kQuads = 5;
  std::set<size_t> met;
  for (uint32_t row = 0; row < kRows; ++row) {
    for (uint32_t quad = 0; quad < kQuads; ++quad) {
      met.insert(ExactWord(row, quad, kQuads));
    }
  }
  EXPECT_EQ(met.size(), size_t{kRows} * kQuads);
  EXPECT_LT(*met.rbegin(), size_t{96} * kQuads);
  // Rows of a block side by side.
  EXPECT_EQ(ExactWord(33, 2, kQuads), ExactWord(32, 2, kQuads) + 1);
}

}  // namespace
}  // namespace taud::index
