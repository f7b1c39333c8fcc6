// What becomes of interactions that come: OnlineFit::Absorb.

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "query/fold_in.h"
#include "query/query_weights.h"
#include "tests/trainer/online/online_fit_testing.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/online/online_fit.h"

namespace taud::trainer {
namespace {

class FitAbsorbTest : public OnlineFitTest {
 protected:
  void Append(uint32_t user, uint32_t item, model::InteractionKind kind,
              int64_t time_ms) {
    model::Interaction one;
    one.sequence = interactions_.last_sequence() + 1;
    one.user = user;
    one.item = item;
    one.kind = kind;
    one.time_ms = time_ms;
    interactions_.Append(one);
  }
  // A second after the one before.
  void Append(uint32_t user, uint32_t item, model::InteractionKind kind) {
    Append(user, item, kind,
           static_cast<int64_t>(interactions_.last_sequence() + 1) * 1000);
  }
  void Like(uint32_t user, uint32_t item, int64_t time_ms) {
    Append(user, item, model::InteractionKind::kLike, time_ms);
  }
  void Like(uint32_t user, uint32_t item) {
    Append(user, item, model::InteractionKind::kLike);
  }
  void Dislike(uint32_t user, uint32_t item) {
    Append(user, item, model::InteractionKind::kDislike);
  }
  // Ten kinds of forty items; each user likes `likes` of one kind, in one load.
  void LoadKinds(uint32_t users, uint32_t likes) {
    std::mt19937 random(1);
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    for (uint32_t user = 0; user < users; ++user) {
      for (uint32_t k = 0; k < likes; ++k) {
        pairs.push_back({user, user % 10 + 10 * (random() % 40)});
      }
    }
    std::shuffle(pairs.begin(), pairs.end(), random);
    for (const auto& [user, item] : pairs) Like(user, item);
  }
  // The query that the daemon would make of the user, and its ten best items'
  // share of the user's own kind.
  std::vector<float> Query(const model::Snapshot& snapshot, uint32_t user) {
    const query::FoldIn fold_in(&snapshot);
    query::FoldInInput input;
    input.trained = query::FindTrained(snapshot, user);
    std::vector<model::HistoryEntry> history;
    model::Interactions::HistoryPart part;
    part.after = input.trained.through;
    part.latest = query::kRecentItems;
    part.dislikes = query::kMaxFoldIn;
    part.limit = query::kMaxFoldIn;
    interactions_.CopyHistoryPart(user, part, &history);
    input.history = history;
    std::vector<float> query;
    if (!fold_in.Query(input, &query)) query.clear();
    return query;
  }
  // The product of the mean rows, of those that were set.
  static double MeanCosineOf(const model::Snapshot& snapshot) {
    const auto mean = [](const model::Matrix& rows) {
      std::vector<double> sum(rows.cols, 0.0);
      double set = 0;
      for (size_t r = 0; r < rows.rows; ++r) {
        double square = 0;
        for (size_t c = 0; c < rows.cols; ++c) {
          sum[c] += rows.Row(r)[c];
          square += double{rows.Row(r)[c]} * double{rows.Row(r)[c]};
        }
        if (square > 0) set += 1;
      }
      for (double& x : sum) x /= set;
      return sum;
    };
    const std::vector<double> user = mean(snapshot.users);
    const std::vector<double> item = mean(snapshot.items);
    double cosine = 0;
    for (size_t c = 0; c < user.size(); ++c) cosine += user[c] * item[c];
    return cosine;
  }
  double ShareOfKind(const model::Snapshot& snapshot, uint32_t user,
                     uint32_t kind) {
    const std::vector<float> query = Query(snapshot, user);
    if (query.empty()) return 0;
    std::vector<model::ItemIndex> seen;
    interactions_.CopySeen(user, &seen);
    std::vector<std::pair<float, uint32_t>> scores;
    for (uint32_t item = 0; item < snapshot.items.rows; ++item) {
      if (std::binary_search(seen.begin(), seen.end(), item)) continue;
      scores.push_back(
          {-Dot(query.data(), snapshot.items.Row(item), kDim), item});
    }
    std::sort(scores.begin(), scores.end());
    double own = 0;
    for (size_t place = 0; place < 10; ++place) {
      own += scores[place].second % 10 == kind;
    }
    return own / 10;
  }
};

TEST_F(FitAbsorbTest, AfterABulkLoadUsersGetWhatTheyLike) {
  LoadKinds(600, 4);
  Settle();
  const auto snapshot = fit_->MakeSnapshot();
  double share = 0;
  for (uint32_t user = 0; user < 100; ++user) {
    share += ShareOfKind(*snapshot, user, user % 10) / 100;
  }
  EXPECT_GT(share, 0.9);
  EXPECT_EQ(snapshot->metrics.at("query_weights_found"), 1);
  EXPECT_LE(query::QueryWeightsOf(*snapshot).prior, 1);
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  EXPECT_TRUE(snapshot->user_behind.empty());
}

// A user's items stand in the file by groups: what is beside an item in it
// tells it, but at the user's next visit nothing will.
class OrderOfAFileTest : public FitAbsorbTest {
 protected:
  float RecentWeightFound(int64_t ms_between) {
    std::mt19937 random(1);
    int64_t now = 1000000;
    for (uint32_t user = 0; user < 600; ++user) {
      for (uint32_t visit = 0; visit < 6; ++visit) {
        const uint32_t group = random() % 40;
        for (uint32_t k = 0; k < 5; ++k) {
          Like(user, user % 4 + 4 * (5 * group + k), now += ms_between);
        }
      }
    }
    Settle();
    const auto snapshot = fit_->MakeSnapshot();
    EXPECT_EQ(snapshot->metrics.at("query_weights_found"), 1);
    return query::QueryWeightsOf(*snapshot).recent;
  }
};

TEST_F(OrderOfAFileTest, WithTimesItCounts) {
  EXPECT_GT(RecentWeightFound(1000), 0);
}

TEST_F(OrderOfAFileTest, WithoutTimesItSaysNothing) {
  EXPECT_EQ(RecentWeightFound(0), 0);
}

// Pushed away from everybody it would have a row that nobody has set, and would
// not be counted among those that μ, which τ₀ follows, is the mean of.
TEST_F(FitAbsorbTest, AnItemIsNoNegativeBeforeItsRowIsSet) {
  LoadKinds(600, 6);
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  // Others come while the window of these is open.
  ASSERT_GT(fit_->unvisited(), 0u);
  std::vector<uint32_t> items;
  for (uint32_t item = 400; item < 700; ++item) {
    items.push_back(item);
    for (uint32_t user = 0; user < 3; ++user) Like(user, item);
  }
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  std::vector<float> rows(items.size() * kDim);
  learner_->GetRows(Side::kItems, items, rows.data());
  EXPECT_EQ(rows, std::vector<float>(rows.size(), 0.0f));
  Settle();
  const auto snapshot = fit_->MakeSnapshot();
  const double cosine = MeanCosineOf(*snapshot);
  EXPECT_NEAR(snapshot->metrics.at("mean_cosine"), cosine,
              0.1 * std::abs(cosine));
}

TEST_F(FitAbsorbTest, RowsWhoseItemsTheLogNoLongerNamesCountInTheMeanCosine) {
  LoadKinds(600, 6);
  Settle();
  const auto before = fit_->MakeSnapshot();
  auto other = MakeFit();
  ASSERT_TRUE(other->WarmStart(*before).ok());
  model::Interactions kept;
  interactions_.ForEach(0, interactions_.size(),
                        [&](const model::Interaction& one) {
                          if (one.item < 200) kept.Append(one);
                        });
  model::Interaction one;
  for (uint32_t user = 0; user < 300; ++user) {
    one.sequence = interactions_.last_sequence() + 1 + user;
    one.user = user;
    one.item = user % 10 + 10 * (user % 19);
    one.time_ms = static_cast<int64_t>(one.sequence) * 1000;
    kept.Append(one);
  }
  other->Absorb(kept);
  for (int step = 0; step < 3000 && !other->Settled(); ++step) {
    ASSERT_TRUE(other->Step().ok());
  }
  const auto after = other->MakeSnapshot();
  const double cosine = MeanCosineOf(*after);
  EXPECT_NEAR(after->metrics.at("mean_cosine"), cosine, 0.1 * std::abs(cosine));
}

// A file may have first what is most popular.
TEST_F(FitAbsorbTest, AUsersFirstPairIsHeldOnceThereIsAnother) {
  for (uint32_t user = 0; user < 600; ++user) {
    for (uint32_t k = 0; k < 4; ++k) Like(user, user % 10 + 10 * k);
  }
  // One who has nothing else.
  for (uint32_t user = 600; user < 700; ++user) Like(user, user % 10);
  fit_->Absorb(interactions_);
  const auto state = fit_->Export();
  const std::vector<uint32_t>& users = state->integers.at("held/user");
  const std::vector<uint32_t>& items = state->integers.at("held/item");
  ASSERT_FALSE(users.empty());
  int first = 0;
  for (size_t h = 0; h < users.size(); ++h) {
    EXPECT_LT(users[h], 600u);
    first += items[h] < 10;
  }
  // A quarter, less what chance takes.
  EXPECT_GT(first, static_cast<int>(users.size()) / 8);
  // A snapshot of meanwhile has a row for each, and what begins with it, too.
  while (fit_->unvisited() > 0) ASSERT_TRUE(fit_->Step().ok());
  ASSERT_FALSE(fit_->Export()->integers.at("held/user").empty());
  const auto snapshot = fit_->MakeSnapshot();
  auto other = MakeFit();
  ASSERT_TRUE(other->WarmStart(*snapshot).ok());
  fit_.swap(other);
  Settle();
  const auto after = fit_->MakeSnapshot();
  for (uint32_t user = 0; user < 700; ++user) {
    EXPECT_GT(snapshot->user_degree[user], 0u) << user;
    EXPECT_GT(after->user_degree[user], 0u) << user;
  }
}

TEST_F(FitAbsorbTest, AnItemThatAWarmStartTookOverIsANegativeOnce) {
  LoadKinds(600, 4);
  Like(3, 500);
  Settle();
  const auto snapshot = fit_->MakeSnapshot();
  auto other = MakeFit();
  ASSERT_TRUE(other->WarmStart(*snapshot).ok());
  Dislike(3, 500);
  fit_.swap(other);
  Settle();
  Like(4, 500);
  Settle();
  const auto state = fit_->Export();
  const std::vector<uint32_t>& negatives = state->integers.at("negatives");
  EXPECT_EQ(std::count(negatives.begin(), negatives.end(), 500u), 1);
  EXPECT_EQ(negatives.size(), state->integers.at("present").size());
}

TEST_F(FitAbsorbTest, WhatIsHeldBackIsLearntInTheEnd) {
  LoadKinds(600, 4);
  Settle();
  uint64_t learnt = 0;
  const auto snapshot = fit_->MakeSnapshot();
  for (const uint32_t degree : snapshot->user_degree) learnt += degree;
  std::vector<model::ItemIndex> seen;
  uint64_t pairs = 0;
  for (uint32_t user = 0; user < 600; ++user) {
    interactions_.CopySeen(user, &seen);
    pairs += seen.size();
  }
  EXPECT_EQ(learnt, pairs);
  EXPECT_EQ(fit_->pairs(), pairs);
}

TEST_F(FitAbsorbTest, AnswersNeverGoBackToWhatTheyWere) {
  LoadKinds(600, 6);
  for (uint32_t k = 0; k < 3; ++k) Like(600, 10 * k);
  Settle();
  for (uint32_t k = 0; k < 10; ++k) Like(600, 10 * k + 5);
  ASSERT_EQ(ShareOfKind(*fit_->MakeSnapshot(), 600, 5), 1);
  fit_->Absorb(interactions_);
  bool learnt_early = false;
  while (!fit_->Settled()) {
    ASSERT_TRUE(fit_->Step().ok());
    const auto snapshot = fit_->MakeSnapshot();
    ASSERT_EQ(ShareOfKind(*snapshot, 600, 5), 1);
    const bool counted =
        snapshot->trained_through == interactions_.last_sequence();
    if (counted && snapshot->ThroughOf(600) < snapshot->trained_through) {
      learnt_early = true;
    }
  }
  EXPECT_TRUE(learnt_early);  // there was something to go back to
  const auto snapshot = fit_->MakeSnapshot();
  EXPECT_EQ(snapshot->ThroughOf(600), interactions_.last_sequence());
  EXPECT_EQ(ShareOfKind(*snapshot, 600, 5), 1);
}

TEST_F(FitAbsorbTest, DislikesTakeLikesBack) {
  LoadKinds(600, 6);
  for (uint32_t k = 0; k < 4; ++k) Like(600, 10 * k + 3);
  for (uint32_t k = 0; k < 2; ++k) Like(600, 10 * k + 7);
  for (uint32_t k = 0; k < 2; ++k) Like(601, 10 * k + 3);
  Settle();
  ASSERT_GT(ShareOfKind(*fit_->MakeSnapshot(), 600, 3), 0.5);
  const uint32_t popular = fit_->MakeSnapshot()->item_popularity[3];
  for (uint32_t k = 0; k < 4; ++k) Dislike(600, 10 * k + 3);
  for (uint32_t k = 0; k < 2; ++k) Dislike(601, 10 * k + 3);
  // At once, before anything is learnt, …
  auto snapshot = fit_->MakeSnapshot();
  EXPECT_EQ(ShareOfKind(*snapshot, 600, 3), 0);
  EXPECT_TRUE(Query(*snapshot, 601).empty());
  // … and when it is.
  Settle();
  snapshot = fit_->MakeSnapshot();
  ASSERT_TRUE(model::ValidateSnapshot(*snapshot).ok());
  EXPECT_EQ(snapshot->user_degree[600], 2u);
  EXPECT_GT(ShareOfKind(*snapshot, 600, 7), 0.7);
  EXPECT_EQ(ShareOfKind(*snapshot, 600, 3), 0);
  // Nothing that 601 liked is left.
  EXPECT_EQ(snapshot->user_degree[601], 0u);
  EXPECT_EQ(snapshot->item_popularity[3], popular - 2);
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  // The newest counts: what is liked again is a positive again.
  Like(601, 3);
  Settle();
  EXPECT_EQ(fit_->MakeSnapshot()->user_degree[601], 1u);
}

TEST_F(FitAbsorbTest, WhatIsRetractedIsUnlearnt) {
  LoadKinds(600, 6);
  for (uint32_t k = 0; k < 4; ++k) Like(600, 10 * k + 3);
  for (uint32_t k = 0; k < 2; ++k) Like(600, 10 * k + 7);
  Settle();
  for (uint32_t k = 0; k < 4; ++k) {
    Append(600, 10 * k + 3, model::InteractionKind::kRetract);
  }
  Settle();
  const auto snapshot = fit_->MakeSnapshot();
  EXPECT_EQ(snapshot->user_degree[600], 2u);
  EXPECT_GT(ShareOfKind(*snapshot, 600, 7), 0.7);
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
}

TEST_F(FitAbsorbTest, ADislikeOfSomethingThatCameInTheSameLoad) {
  LoadKinds(100, 4);
  const uint32_t before = fit_->pairs();
  Like(7, 999);
  Dislike(7, 999);
  Like(8, 999);
  Dislike(8, 999);
  Like(8, 999);
  Settle();
  const auto snapshot = fit_->MakeSnapshot();
  EXPECT_EQ(snapshot->item_popularity[999], 1u);
  EXPECT_GT(fit_->pairs(), before);
}

TEST_F(FitAbsorbTest, OfEveryKindOfLoadNoPairIsLostAndNoneIsThereTwice) {
  for (uint32_t user = 0; user < 600; ++user) {
    Like(user, user % 7);
    // The next is another one, the same again, undone, or another's undone.
    if (user % 4 == 1) Like(user, user % 7);
    if (user % 4 == 2) Dislike(user, user % 7);
    if (user % 4 == 3) Dislike(user, 20);
    if (user % 5 > 0) Like(user, 7 + user % 11);
    if (user % 5 > 2) Like(user, 18 + user % 2);
  }
  Settle();
  std::vector<model::ItemIndex> seen;
  const auto snapshot = fit_->MakeSnapshot();
  for (uint32_t user = 0; user < 600; ++user) {
    const uint32_t likes = (user % 4 != 2) + (user % 5 > 0) + (user % 5 > 2);
    EXPECT_EQ(snapshot->user_degree[user], likes) << user;
  }
}

TEST_F(FitAbsorbTest, AnItemThatEverybodyDislikedIsPopularNoLonger) {
  LoadKinds(200, 4);
  for (uint32_t user = 0; user < 100; ++user) Like(user, 500);
  Settle();
  ASSERT_EQ(fit_->MakeSnapshot()->item_popularity[500], 100u);
  for (uint32_t user = 0; user < 100; ++user) Dislike(user, 500);
  Settle();
  EXPECT_EQ(fit_->MakeSnapshot()->item_popularity[500], 0u);
  EXPECT_EQ(interactions_.ItemPositives(500), 0u);
  EXPECT_EQ(interactions_.ItemCount(500), 200u);
}

TEST_F(FitAbsorbTest, ACheckpointInTheMiddleChangesNothing) {
  LoadKinds(300, 6);
  fit_->Absorb(interactions_, 900);
  for (int step = 0; step < 40; ++step) ASSERT_TRUE(fit_->Step().ok());
  Dislike(5, 5);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 5; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto state = fit_->Export();
  EXPECT_FALSE(state->integers.at("held/user").empty());
  auto other = MakeFit();
  ASSERT_TRUE(other->Import(*state).ok());
  Like(299, 9);
  Settle();
  fit_.swap(other);
  Settle();
  const auto a = fit_->MakeSnapshot();
  const auto b = other->MakeSnapshot();
  EXPECT_EQ(a->users.values, b->users.values);
  EXPECT_EQ(a->metrics, b->metrics);
  EXPECT_EQ(fit_->Export()->integers, other->Export()->integers);
  EXPECT_EQ(fit_->Export()->longs, other->Export()->longs);
}

// What is held of a load says that its users cannot be foretold: temperatures
// are raised, which a checkpoint and a snapshot keep.
TEST_F(FitAbsorbTest, ALoadWithoutTastesRaisesTheTemperature) {
  std::mt19937 random(1);
  for (int n = 0; n < 6000; ++n) Like(random() % 500, random() % 400);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->figures().tau0_factor, 1);
  Settle();
  const double factor = fit_->figures().tau0_factor;
  EXPECT_GT(factor, 1.1);
  auto resumed = MakeFit();
  ASSERT_TRUE(resumed->Import(*fit_->Export()).ok());
  EXPECT_EQ(resumed->figures().tau0_factor, factor);
  auto warm = MakeFit();
  ASSERT_TRUE(warm->WarmStart(*fit_->MakeSnapshot()).ok());
  EXPECT_EQ(warm->figures().tau0_factor, factor);
}

// The pairs of a later load are of rows that are younger than the fit: they say
// nothing of τ₀.
TEST_F(FitAbsorbTest, ALaterLoadLeavesTheTemperature) {
  LoadKinds(600, 8);
  Settle();
  const double factor = fit_->figures().tau0_factor;
  std::mt19937 random(1);
  // New users, and new items of known users, without tastes.
  for (int n = 0; n < 4000; ++n) Like(600 + random() % 400, random() % 400);
  for (int n = 0; n < 4000; ++n) Like(random() % 600, 400 + random() % 400);
  Settle();
  EXPECT_EQ(fit_->figures().tau0_factor, factor);
}

TEST_F(FitAbsorbTest, WithTooFewPairsTheTemperatureIsWhatTheMomentsSay) {
  std::mt19937 random(1);
  for (int n = 0; n < 1000; ++n) Like(random() % 100, random() % 80);
  Settle();
  EXPECT_EQ(fit_->figures().tau0_factor, 1);
}

TEST_F(FitAbsorbTest, WithTooLittleToLearnFromThereIsAnUntrainedSnapshot) {
  Like(0, 0);
  Like(1, 0);
  fit_->Absorb(interactions_);
  EXPECT_FALSE(fit_->Ready());
  const auto snapshot = fit_->MakeSnapshot();
  EXPECT_TRUE(model::ValidateSnapshot(*snapshot).ok());
  EXPECT_EQ(snapshot->trained_through, 0u);
  EXPECT_EQ(snapshot->items.rows, 1u);
  EXPECT_GT(snapshot->tau0, 0);
  // It can be begun with.
  fit_ = MakeFit();
  ASSERT_TRUE(fit_->WarmStart(*snapshot).ok());
  LoadKinds(50, 4);
  Settle();
  EXPECT_GT(fit_->MakeSnapshot()->user_degree[0], 3u);
}

}  // namespace
}  // namespace taud::trainer
