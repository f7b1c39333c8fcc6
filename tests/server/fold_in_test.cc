#include "server/fold_in.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

using testing::FloatNear;
using testing::Pointwise;

// Items: e0 = (1,0), e1 = (0,1), e2 = (-1,0), e3 untrained.
model::Snapshot PlainSnapshot() {
  model::Snapshot s;
  s.items = model::Matrix(4, 2);
  s.items.values = {1, 0, 0, 1, -1, 0, 0, 0};
  s.item_popularity = {1, 1, 1, 0};
  return s;
}

model::HistoryEntry Entry(
    model::ItemIndex item, float weight = 1,
    model::InteractionKind kind = model::InteractionKind::kLike) {
  model::HistoryEntry entry;
  entry.item = item;
  entry.weight = weight;
  entry.kind = kind;
  return entry;
}

TEST(FoldInTest, WeighsTheTrainedRowByItsDegree) {
  const model::Snapshot s = PlainSnapshot();
  const float row[] = {1, 0};
  const std::vector<model::HistoryEntry> newer = {Entry(1)};
  FoldInInput input;
  input.trained = row;
  input.degree = 3;
  input.newer = newer;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(s, input, &query));
  const float norm = std::sqrt(10.0f);
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f),
                               std::vector<float>{3 / norm, 1 / norm}));
}

TEST(FoldInTest, ALongHistoryCountsAsTwenty) {
  const model::Snapshot s = PlainSnapshot();
  const float row[] = {1, 0};
  const std::vector<model::HistoryEntry> newer = {Entry(1)};
  FoldInInput input;
  input.trained = row;
  input.degree = 100000;
  input.newer = newer;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(s, input, &query));
  EXPECT_NEAR(query[1] / query[0], 1.0f / 20, 1e-6);
}

TEST(FoldInTest, WithoutARowTheItemsAreTheQuery) {
  const model::Snapshot s = PlainSnapshot();
  const std::vector<model::HistoryEntry> newer = {Entry(0), Entry(1, 50)};
  FoldInInput input;
  input.newer = newer;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(s, input, &query));
  EXPECT_NEAR(query[1] / query[0], 5.0f, 1e-5);  // the weight is capped
}

TEST(FoldInTest, ContextItemsCountLikeLikes) {
  const model::Snapshot s = PlainSnapshot();
  const std::vector<model::ItemIndex> context = {1};
  FoldInInput input;
  input.context = context;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(s, input, &query));
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f), std::vector<float>{0, 1}));
}

TEST(FoldInTest, NothingToMakeItOf) {
  const model::Snapshot s = PlainSnapshot();
  std::vector<float> query;
  EXPECT_FALSE(FoldIn(s, {}, &query));

  const std::vector<model::HistoryEntry> useless = {
      Entry(3), Entry(77), Entry(0, 1, model::InteractionKind::kDislike)};
  FoldInInput input;
  input.newer = useless;
  EXPECT_FALSE(FoldIn(s, input, &query));

  const std::vector<model::ItemIndex> opposites = {0, 2};
  FoldInInput cancelling;
  cancelling.context = opposites;
  EXPECT_FALSE(FoldIn(s, cancelling, &query));
}

}  // namespace
}  // namespace taud::server
