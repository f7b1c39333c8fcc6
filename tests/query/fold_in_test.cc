#include "query/fold_in.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "query/query_weights.h"

namespace taud::query {
namespace {

using testing::FloatNear;
using testing::IsEmpty;
using testing::Pointwise;

// Items: e0 = (1,0), e1 = (0,1), e2 = (-1,0), e3 untrained, e4 = (0,-1): their
// mean is zero.
model::Snapshot PlainSnapshot() {
  model::Snapshot s;
  s.items = model::Matrix(5, 2);
  s.items.values = {1, 0, 0, 1, -1, 0, 0, 0, 0, -1};
  s.item_popularity = {1, 1, 1, 0, 1};
  return s;
}

// After everything that a snapshot has learnt, unless a sequence is given.
model::HistoryEntry Entry(
    model::ItemIndex item, float weight = 1,
    model::InteractionKind kind = model::InteractionKind::kLike,
    model::Sequence sequence = 100) {
  model::HistoryEntry entry;
  entry.item = item;
  entry.weight = weight;
  entry.kind = kind;
  entry.sequence = sequence;
  entry.time_ms = 1000 * static_cast<int64_t>(sequence);
  return entry;
}

constexpr float kRow[] = {1, 0};

// The query, empty if there is nothing to make it of.
std::vector<float> QueryOf(const FoldIn& fold_in, const TrainedUser& trained,
                           const std::vector<model::HistoryEntry>& history,
                           const std::vector<model::ItemIndex>& context = {}) {
  FoldInInput input;
  input.trained = trained;
  input.history = history;
  input.context = context;
  std::vector<float> query;
  return fold_in.Query(input, &query) ? query : std::vector<float>();
}

auto IsNear(const std::vector<float>& expected) {
  return Pointwise(FloatNear(1e-6f), expected);
}

TEST(FoldInTest, FindsWhatASnapshotHasOfAUser) {
  model::Snapshot s = PlainSnapshot();
  s.users = model::Matrix(2, 2);
  s.users.values = {1, 0, 0, 0};
  s.user_degree = {3, 0};
  s.trained_through = 50;
  const TrainedUser known = FindTrained(s, 0);
  EXPECT_EQ(known.row, s.users.Row(0));
  EXPECT_EQ(known.degree, 3u);
  EXPECT_EQ(known.through, 50u);
  for (const model::UserIndex user : {1u, 2u}) {
    EXPECT_EQ(FindTrained(s, user).row, nullptr);
    EXPECT_EQ(FindTrained(s, user).through, 0u);
  }
}

TEST(FoldInTest, WeighsTheTrainedRowByItsDegree) {
  const model::Snapshot s = PlainSnapshot();
  const float norm = std::sqrt(10.0f);
  EXPECT_THAT(QueryOf(FoldIn(&s), {kRow, 3, 50}, {Entry(1)}),
              IsNear({3 / norm, 1 / norm}));
}

TEST(FoldInTest, WhatTheRowHasLearntIsNotFoldedInAgain) {
  const model::Snapshot s = PlainSnapshot();
  EXPECT_THAT(QueryOf(FoldIn(&s), {kRow, 3, 50},
                      {Entry(1, 1, model::InteractionKind::kLike, 50)}),
              IsNear({1, 0}));
}

TEST(FoldInTest, ALongHistoryCountsAsTwenty) {
  const model::Snapshot s = PlainSnapshot();
  const std::vector<float> query =
      QueryOf(FoldIn(&s), {kRow, 100000, 50}, {Entry(1)});
  ASSERT_EQ(query.size(), 2u);
  EXPECT_NEAR(query[1] / query[0], 1.0f / 20, 1e-6);
}

TEST(FoldInTest, WithoutARowTheItemsAreTheQuery) {
  const model::Snapshot s = PlainSnapshot();
  const std::vector<float> query =
      QueryOf(FoldIn(&s), {}, {Entry(0), Entry(1, 50)});
  ASSERT_EQ(query.size(), 2u);
  EXPECT_NEAR(query[1] / query[0], 5.0f, 1e-5);  // the weight is capped
}

TEST(FoldInTest, ContextItemsCountLikeLikes) {
  const model::Snapshot s = PlainSnapshot();
  EXPECT_THAT(QueryOf(FoldIn(&s), {}, {}, {1}), IsNear({0, 1}));
}

TEST(FoldInTest, HalfOfWhatItemsHaveInCommonIsTakenOut) {
  model::Snapshot s = PlainSnapshot();
  s.item_popularity = {1, 1, 0, 0, 0};  // the mean is (.5, .5)
  const std::vector<float> query = QueryOf(FoldIn(&s), {}, {}, {1});
  ASSERT_EQ(query.size(), 2u);
  EXPECT_NEAR(query[0] / query[1], -0.25f / 0.75f, 1e-6);
}

TEST(FoldInTest, TheTasteOfTheMomentCountsAsTheSnapshotSays) {
  model::Snapshot s = PlainSnapshot();
  s.metrics[kRecentWeightMetric] = 0.5;
  // Learnt long since; an item without a vector says nothing, and a dislike is
  // none of the moment's taste.
  const std::vector<model::HistoryEntry> history = {
      Entry(3, 1, model::InteractionKind::kLike, 9),
      Entry(4, 1, model::InteractionKind::kDislike, 8),
      Entry(1, 1, model::InteractionKind::kLike, 7),
      Entry(0, 1, model::InteractionKind::kLike, 6)};
  const FoldIn fold_in(&s);
  EXPECT_EQ(fold_in.weights().recent, 0.5f);
  // The row and the dislike, (3, 1) / √10, + ½·((0, 1) + .8·(1, 0))
  const float x = 3 / std::sqrt(10.0f) + 0.4f;
  const float y = 1 / std::sqrt(10.0f) + 0.5f;
  const float norm = std::sqrt(x * x + y * y);
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 50}, history),
              IsNear({x / norm, y / norm}));
}

TEST(FoldInTest, TheCommonTasteFadesAsAHistoryGrows) {
  model::Snapshot s = PlainSnapshot();
  s.metrics[kPriorMetric] = 6;
  s.users = model::Matrix(3, 2);
  s.users.values = {0, 1, 0, 1, 1, 0};  // the last one is not trained
  s.user_degree = {2, 2, 0};
  const FoldIn fold_in(&s);
  const struct {
    uint32_t degree;
    std::vector<model::HistoryEntry> history;  // after the snapshot
    double length;  // of both; an item without a row is not
  } cases[] = {{1, {}, 1},
               {3, {}, 3},
               {60, {}, 60},
               {1, {Entry(0), Entry(0), Entry(3)}, 3}};
  for (const auto& c : cases) {
    const std::vector<float> query =
        QueryOf(fold_in, {kRow, c.degree, 50}, c.history);
    ASSERT_EQ(query.size(), 2u);
    EXPECT_NEAR(query[1] / query[0], 6.0 / c.length, 1e-5);
  }
}

TEST(FoldInTest, AContextAloneAsksForItsLike) {
  model::Snapshot s = PlainSnapshot();
  s.metrics[kPriorMetric] = 100;
  s.users = model::Matrix(1, 2);
  s.users.values = {0, 1};
  s.user_degree = {2};
  EXPECT_THAT(QueryOf(FoldIn(&s), {}, {}, {0}), IsNear({1, 0}));
}

TEST(FoldInTest, WhatARowHasNotTakenUpYetIsFoldedInThoughItWasCounted) {
  model::Snapshot s = PlainSnapshot();
  s.metrics[kPriorMetric] = 6;
  s.users = model::Matrix(1, 2);
  s.users.values = {1, 0};
  s.user_degree = {3};
  s.trained_through = 50;
  s.user_behind = {10};
  const TrainedUser user = FindTrained(s, 0);
  EXPECT_EQ(user.through, 40u);
  EXPECT_EQ(user.counted_through, 50u);
  // The row has two of the three: l ∝ 2·(1, 0) + (0, 1); of three interactions
  // as before, so 6/3 of p.
  const float norm = std::sqrt(5.0f);
  const std::vector<float> query =
      QueryOf(FoldIn(&s), user,
              {Entry(1, 1, model::InteractionKind::kLike, 45),
               Entry(2, 1, model::InteractionKind::kLike, 40)});
  ASSERT_EQ(query.size(), 2u);
  EXPECT_NEAR(query[1] / query[0], (1 / norm) / (2 / norm + 2), 1e-6);
}

TEST(FoldInTest, ARowOnItsWayCountsForHalfOfItsDegreeAtLeast) {
  model::Snapshot s = PlainSnapshot();
  s.users = model::Matrix(1, 2);
  s.users.values = {1, 0};
  s.user_degree = {3};
  s.trained_through = 50;
  s.user_behind = {50};
  const std::vector<float> query =
      QueryOf(FoldIn(&s), FindTrained(s, 0),
              {Entry(1, 1, model::InteractionKind::kLike, 45),
               Entry(1, 1, model::InteractionKind::kLike, 44),
               Entry(1, 1, model::InteractionKind::kLike, 43)});
  ASSERT_EQ(query.size(), 2u);
  EXPECT_NEAR(query[1] / query[0], 3 / 1.5, 1e-6);
}

TEST(FoldInTest, ADislikeMovesAwayAndTakesALikeBack) {
  const model::Snapshot s = PlainSnapshot();
  const FoldIn fold_in(&s);
  model::HistoryEntry dislike =
      Entry(1, 1, model::InteractionKind::kDislike, 100);
  const float norm = std::sqrt(10.0f);
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 50, 50}, {dislike}),
              IsNear({3 / norm, -1 / norm}));
  // Of what the row has learnt: one of its three is gone, and one against it.
  dislike.since_like = 60;
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 50, 50}, {dislike}),
              IsNear({3 / std::sqrt(13.0f), -2 / std::sqrt(13.0f)}));
  // The like came after the row: there is nothing to take back.
  dislike.since_like = 20;
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 50, 50}, {dislike}),
              IsNear({3 / norm, -1 / norm}));
  // The row is this like and nothing else: nothing is left.
  dislike.since_like = 60;
  EXPECT_THAT(QueryOf(fold_in, {kRow, 1, 50, 50}, {dislike}), IsEmpty());
  // But what is asked with still says something.
  EXPECT_THAT(QueryOf(fold_in, {kRow, 1, 50, 50}, {dislike}, {0}),
              IsNear({1, 0}));
}

// Rows are learnt from likes: what the row has taken up says nothing against an
// item, so the answers would go back when the next snapshot serves.
TEST(FoldInTest, ADislikeStandsWhenTheRowHasTakenItUp) {
  const model::Snapshot s = PlainSnapshot();
  const FoldIn fold_in(&s);
  model::HistoryEntry dislike =
      Entry(1, 1, model::InteractionKind::kDislike, 100);
  const std::vector<float> before =
      QueryOf(fold_in, {kRow, 3, 50, 50}, {dislike});
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 100, 100}, {dislike}), IsNear(before));
  // Many count no more than the row itself does.
  std::vector<model::HistoryEntry> many(40, dislike);
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 100, 100}, many),
              IsNear({std::sqrt(0.5f), -std::sqrt(0.5f)}));
  // What it took back has left the row.
  dislike.since_like = 60;
  EXPECT_THAT(QueryOf(fold_in, {kRow, 3, 100, 100}, {dislike}), IsNear(before));
}

TEST(FoldInTest, NothingToMakeItOf) {
  const model::Snapshot s = PlainSnapshot();
  const FoldIn fold_in(&s);
  EXPECT_THAT(QueryOf(fold_in, {}, {}), IsEmpty());
  const std::vector<model::HistoryEntry> useless = {
      Entry(3), Entry(77), Entry(0, 1, model::InteractionKind::kDislike)};
  EXPECT_THAT(QueryOf(fold_in, {}, useless), IsEmpty());
  const std::vector<model::ItemIndex> opposites = {0, 2};
  EXPECT_THAT(QueryOf(fold_in, {}, {}, opposites), IsEmpty());
}

}  // namespace
}  // namespace taud::query
