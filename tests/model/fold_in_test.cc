#include "model/fold_in.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/query_weights.h"

namespace taud::model {
namespace {

using testing::FloatNear;
using testing::Pointwise;

// Items: e0 = (1,0), e1 = (0,1), e2 = (-1,0), e3 untrained, e4 = (0,-1): their
// mean is zero.
Snapshot PlainSnapshot() {
  Snapshot s;
  s.items = Matrix(5, 2);
  s.items.values = {1, 0, 0, 1, -1, 0, 0, 0, 0, -1};
  s.item_popularity = {1, 1, 1, 0, 1};
  return s;
}

// After everything that a snapshot has learnt, unless a sequence is given.
HistoryEntry Entry(ItemIndex item, float weight = 1,
                   InteractionKind kind = InteractionKind::kLike,
                   Sequence sequence = 100) {
  HistoryEntry entry;
  entry.item = item;
  entry.weight = weight;
  entry.kind = kind;
  entry.sequence = sequence;
  return entry;
}

constexpr float kRow[] = {1, 0};

TEST(FoldInTest, FindsWhatASnapshotHasOfAUser) {
  Snapshot s = PlainSnapshot();
  s.users = Matrix(2, 2);
  s.users.values = {1, 0, 0, 0};
  s.user_degree = {3, 0};
  s.trained_through = 50;
  const TrainedUser known = FindTrained(s, 0);
  EXPECT_EQ(known.row, s.users.Row(0));
  EXPECT_EQ(known.degree, 3u);
  EXPECT_EQ(known.through, 50u);
  for (const UserIndex user : {1u, 2u}) {
    EXPECT_EQ(FindTrained(s, user).row, nullptr);
    EXPECT_EQ(FindTrained(s, user).through, 0u);
  }
}

TEST(FoldInTest, WeighsTheTrainedRowByItsDegree) {
  const Snapshot s = PlainSnapshot();
  const std::vector<HistoryEntry> history = {Entry(1)};
  FoldInInput input;
  input.trained = {kRow, 3, 50};
  input.history = history;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  const float norm = std::sqrt(10.0f);
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f),
                               std::vector<float>{3 / norm, 1 / norm}));
}

TEST(FoldInTest, WhatTheRowHasLearntIsNotFoldedInAgain) {
  const Snapshot s = PlainSnapshot();
  const std::vector<HistoryEntry> history = {
      Entry(1, 1, InteractionKind::kLike, 50)};
  FoldInInput input;
  input.trained = {kRow, 3, 50};
  input.history = history;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f), std::vector<float>{1, 0}));
}

TEST(FoldInTest, ALongHistoryCountsAsTwenty) {
  const Snapshot s = PlainSnapshot();
  const std::vector<HistoryEntry> history = {Entry(1)};
  FoldInInput input;
  input.trained = {kRow, 100000, 50};
  input.history = history;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_NEAR(query[1] / query[0], 1.0f / 20, 1e-6);
}

TEST(FoldInTest, WithoutARowTheItemsAreTheQuery) {
  const Snapshot s = PlainSnapshot();
  const std::vector<HistoryEntry> history = {Entry(0), Entry(1, 50)};
  FoldInInput input;
  input.history = history;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_NEAR(query[1] / query[0], 5.0f, 1e-5);  // the weight is capped
}

TEST(FoldInTest, ContextItemsCountLikeLikes) {
  const Snapshot s = PlainSnapshot();
  const std::vector<ItemIndex> context = {1};
  FoldInInput input;
  input.context = context;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f), std::vector<float>{0, 1}));
}

TEST(FoldInTest, HalfOfWhatItemsHaveInCommonIsTakenOut) {
  Snapshot s = PlainSnapshot();
  s.item_popularity = {1, 1, 0, 0, 0};  // the mean is (.5, .5)
  const std::vector<ItemIndex> context = {1};
  FoldInInput input;
  input.context = context;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_NEAR(query[0] / query[1], -0.25f / 0.75f, 1e-6);
}

TEST(FoldInTest, TheTasteOfTheMomentCountsAsTheSnapshotSays) {
  Snapshot s = PlainSnapshot();
  s.metrics[kRecentWeightMetric] = 0.5;
  // Learnt long since; a dislike and an item without a vector say nothing.
  const std::vector<HistoryEntry> history = {
      Entry(3, 1, InteractionKind::kLike, 9),
      Entry(4, 1, InteractionKind::kDislike, 8),
      Entry(1, 1, InteractionKind::kLike, 7),
      Entry(0, 1, InteractionKind::kLike, 6)};
  FoldInInput input;
  input.trained = {kRow, 3, 50};
  input.history = history;
  std::vector<float> query;
  const FoldIn fold_in(&s);
  EXPECT_EQ(fold_in.weights().recent, 0.5f);
  ASSERT_TRUE(fold_in.Query(input, &query));
  // (1, 0) + ½·((0, 1) + .8·(1, 0))
  const float norm = std::sqrt(1.4f * 1.4f + 0.25f);
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f),
                               std::vector<float>{1.4f / norm, 0.5f / norm}));
}

TEST(FoldInTest, TheCommonTasteFadesAsAHistoryGrows) {
  Snapshot s = PlainSnapshot();
  s.metrics[kPriorMetric] = 6;
  s.users = Matrix(3, 2);
  s.users.values = {0, 1, 0, 1, 1, 0};  // the last one is not trained
  s.user_degree = {2, 2, 0};
  const FoldIn fold_in(&s);
  std::vector<float> query;
  FoldInInput input;
  for (const uint32_t degree : {1u, 3u, 60u}) {
    input.trained = {kRow, degree, 50};
    ASSERT_TRUE(fold_in.Query(input, &query));
    EXPECT_NEAR(query[1] / query[0], 6.0 / degree, 1e-5);
  }
  // What came after the snapshot is a part of the history.
  const std::vector<HistoryEntry> history = {Entry(0), Entry(0), Entry(3)};
  input.trained = {kRow, 1, 50};
  input.history = history;
  ASSERT_TRUE(fold_in.Query(input, &query));
  EXPECT_NEAR(query[1] / query[0], 6.0 / 3, 1e-5);
}

TEST(FoldInTest, AContextAloneAsksForItsLike) {
  Snapshot s = PlainSnapshot();
  s.metrics[kPriorMetric] = 100;
  s.users = Matrix(1, 2);
  s.users.values = {0, 1};
  s.user_degree = {2};
  const std::vector<ItemIndex> context = {0};
  FoldInInput input;
  input.context = context;
  std::vector<float> query;
  ASSERT_TRUE(FoldIn(&s).Query(input, &query));
  EXPECT_THAT(query, Pointwise(FloatNear(1e-6f), std::vector<float>{1, 0}));
}

TEST(FoldInTest, NothingToMakeItOf) {
  const Snapshot s = PlainSnapshot();
  const FoldIn fold_in(&s);
  std::vector<float> query;
  EXPECT_FALSE(fold_in.Query({}, &query));

  const std::vector<HistoryEntry> useless = {
      Entry(3), Entry(77), Entry(0, 1, InteractionKind::kDislike)};
  FoldInInput input;
  input.history = useless;
  EXPECT_FALSE(fold_in.Query(input, &query));

  const std::vector<ItemIndex> opposites = {0, 2};
  FoldInInput cancelling;
  cancelling.context = opposites;
  EXPECT_FALSE(fold_in.Query(cancelling, &query));
}

}  // namespace
}  // namespace taud::model
