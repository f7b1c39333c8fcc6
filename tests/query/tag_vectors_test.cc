#include "query/tag_vectors.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "model/catalogue.h"

namespace taud::query {
namespace {

// Items 0 to 3 along the first axis, 4 and 5 along the second, 6 not learnt;
// each learnt one has 4 users, so that it counts a half.
model::Snapshot Axes() {
  model::Snapshot s;
  s.items = model::Matrix(7, 2);
  s.users = model::Matrix(1, 2);
  for (size_t i = 0; i < 6; ++i) s.items.Row(i)[i < 4 ? 0 : 1] = 1.0f;
  s.item_popularity = {4, 4, 4, 4, 4, 4, 0};
  return s;
}

class TagVectorsTest : public testing::Test {
 protected:
  void Tag(model::ItemIndex item, std::vector<std::string> tags) {
    model::ItemRecord record;
    record.tags = std::move(tags);
    catalogue_.Upsert(item, record);
  }
  // The vector of item 6; empty if its tags say nothing.
  std::vector<float> Ask() {
    model::ItemTags tags;
    const model::ItemIndex item = 6;
    catalogue_.CopyTags({&item, 1}, &tags);
    std::vector<float> row;
    if (!vectors_.Mean(catalogue_, tags.Of(0), &budget_, &row)) row.clear();
    return row;
  }

  const model::Snapshot snapshot_ = Axes();
  model::Catalogue catalogue_;
  TagVectors vectors_{&snapshot_};
  int64_t budget_ = 1000;
};

TEST_F(TagVectorsTest, IsTheMeanShortenedByDoubt) {
  for (model::ItemIndex i = 0; i < 4; ++i) Tag(i, {"x"});
  Tag(6, {"x"});
  // Four items of weight a half: 2 / (2 + 4).
  const std::vector<float> row = Ask();
  ASSERT_EQ(row.size(), 2u);
  EXPECT_NEAR(row[0], 1.0 / 3, 1e-6);
  EXPECT_NEAR(row[1], 0, 1e-6);
}

TEST_F(TagVectorsTest, ItemsThatDisagreeMakeItShorter) {
  for (const model::ItemIndex i : {0, 1, 4, 5}) Tag(i, {"mixed"});
  Tag(6, {"mixed"});
  const std::vector<float> row = Ask();
  ASSERT_EQ(row.size(), 2u);
  EXPECT_NEAR(row[0], 1.0 / 6, 1e-6);
  EXPECT_NEAR(row[1], 1.0 / 6, 1e-6);
}

TEST_F(TagVectorsTest, ATagThatSaysMoreCountsMore) {
  for (model::ItemIndex i = 0; i < 4; ++i) Tag(i, {"x", "all"});
  for (const model::ItemIndex i : {4, 5}) Tag(i, {"y", "all"});
  Tag(6, {"x", "y"});
  // Lengths 2/6 and 1/5: certainties (1/9)/(8/9) = 1/8 and (1/25)/(24/25) =
  // 1/24, so three quarters and one.
  const std::vector<float> row = Ask();
  ASSERT_EQ(row.size(), 2u);
  EXPECT_NEAR(row[0], 0.75 / 3, 1e-6);
  EXPECT_NEAR(row[1], 0.25 / 5, 1e-6);
}

TEST_F(TagVectorsTest, NothingWithoutLearntItems) {
  Tag(6, {"alone"});
  EXPECT_TRUE(Ask().empty());
  Tag(6, {});
  EXPECT_TRUE(Ask().empty());
  Tag(6, {"beyond"});
  Tag(9, {"beyond"});  // an item that the snapshot has no row of
  EXPECT_TRUE(Ask().empty());
}

TEST_F(TagVectorsTest, WhatThereIsNoBudgetForComesLater) {
  for (model::ItemIndex i = 0; i < 4; ++i) Tag(i, {"x"});
  Tag(6, {"x"});
  budget_ = 0;
  EXPECT_TRUE(Ask().empty());
  budget_ = 1;
  EXPECT_FALSE(Ask().empty());
  EXPECT_LE(budget_, 0);
  EXPECT_FALSE(Ask().empty()) << "it is known now";
}

}  // namespace
}  // namespace taud::query
