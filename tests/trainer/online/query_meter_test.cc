#include "trainer/online/query_meter.h"

#include <cmath>
#include <memory>
#include <random>

#include "gtest/gtest.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

// Items in two groups about two directions; all users' rows stand in between,
// a little nearer to the first.
class QueryMeterTest : public testing::Test {
 protected:
  static constexpr uint32_t kUsers = 60, kItems = 200;

  QueryMeterTest() : pool_(1), learner_(MakeCpuMf(4, &pool_)) {
    learner_->Grow(kUsers, kItems);
    SetRows(Side::kItems, kItems, [](uint32_t item) {
      const float angle =
          0.1f * static_cast<float>(item / 2) / static_cast<float>(kItems);
      const float c = std::cos(angle), s = std::sin(angle);
      return item % 2 == 0 ? std::vector<float>{c, 0, s, 0}
                           : std::vector<float>{0, c, 0, s};
    });
    SetRows(Side::kUsers, kUsers, [](uint32_t) {
      return std::vector<float>{0.8f, 0.6f, 0, 0};
    });
    // Somebody has had everything.
    for (uint32_t item = 0; item < kItems; ++item) pairs_.Add(999, item, 1);
    learnt_.assign(kItems, 1);
    users_learnt_.assign(kUsers, 1);
  }

  // Of row r, row_of(r).
  template <typename RowOf>
  void SetRows(Side side, uint32_t count, const RowOf& row_of) {
    std::vector<uint32_t> rows;
    std::vector<float> values;
    for (uint32_t r = 0; r < count; ++r) {
      const std::vector<float> row = row_of(r);
      rows.push_back(r);
      values.insert(values.end(), row.begin(), row.end());
    }
    learner_->SetRows(side, rows, values.data());
  }

  // `recent` items of one group and then, as a question, one of `next`.
  void Play(uint32_t recent_group, uint32_t next_group, uint32_t degree) {
    for (uint32_t user = 0; user < kUsers; ++user) {
      for (uint32_t k = 0; k < 4; ++k) {
        const uint32_t item = 2 * (random_() % 100) + recent_group;
        if (pairs_.Add(user, item, 1)) meter_.Add(user, item, 1000 * ++now_);
      }
      const uint32_t next = 2 * (random_() % 100) + next_group;
      if (!pairs_.Add(user, next, 1)) continue;
      meter_.Ask(user, next, degree);
      meter_.Answer(Knowledge());
    }
  }

  QueryMeter::Knowledge Knowledge() const {
    return {*learner_, pairs_, users_learnt_, learnt_, neighbours_};
  }

  NeighbourUpkeep neighbours_{20};
  std::mt19937 random_{3};
  int64_t now_ = 0;  // seconds
  WorkerPool pool_;
  std::unique_ptr<MfLearner> learner_;
  PositivePairs pairs_;
  std::vector<uint32_t> users_learnt_, learnt_;
  QueryMeter meter_;
};

TEST_F(QueryMeterTest, UsersWhoGoOnAsTheyBeganMakeTheLatestItemsCount) {
  for (int round = 0; round < 8; ++round) Play(1, 1, 9);
  EXPECT_GE(meter_.weights().recent, 0.1f);
}

TEST_F(QueryMeterTest, UsersWhoTurnAwayMakeThemCountNothing) {
  for (int round = 0; round < 8; ++round) Play(1, 0, 9);
  EXPECT_EQ(meter_.weights().recent, 0);
  EXPECT_GE(meter_.State()[query::kWeightPairs],
            200);  // it has enough to say so
}

TEST_F(QueryMeterTest, WhatGoesTogetherMakesTheNeighbourhoodCount) {
  // Items k and k + 2 are chosen together, which no row here says.
  for (uint32_t user = 2000; user < 2400; ++user) {
    const uint32_t first = user % 196;
    for (const uint32_t item : {first, first + 2}) {
      if (pairs_.Add(user, item, 1)) neighbours_.Add(user, item);
    }
  }
  neighbours_.Refresh(1 << 24);
  ASSERT_FALSE(neighbours_.stale());
  std::vector<HeldPair> held;
  for (uint32_t user = 0; user < kUsers; ++user) {
    const uint32_t item = user * 3;
    if (pairs_.Add(user, item, 1)) neighbours_.Add(user, item);
    HeldPair pair;
    pair.user = user;
    pair.item = item + 2;
    held.push_back(pair);
  }
  meter_.AskHeld(held, Knowledge());
  EXPECT_TRUE(meter_.neighbours_found());
  EXPECT_GT(meter_.neighbour_weights().weight, 0);
  EXPECT_EQ(meter_.NeighbourState().size(), query::kNeighbourWays.size() + 3);
  // Where other things are chosen than go together it counts nothing.
  for (HeldPair& pair : held) pair.item = (pair.item + 101) % kItems;
  QueryMeter other;
  other.AskHeld(held, Knowledge());
  EXPECT_TRUE(other.neighbours_found());
  EXPECT_EQ(other.neighbour_weights().weight, 0);
}

TEST_F(QueryMeterTest, WithoutLatestItemsThereIsNoQuestion) {
  const std::vector<double> before = meter_.State();
  meter_.Ask(3, 5, 1);
  meter_.Answer(Knowledge());
  EXPECT_EQ(meter_.State(), before);
}

TEST_F(QueryMeterTest, RebuildsTheLatestItemsFromTheInteractions) {
  model::Interactions interactions;
  model::Interaction one;
  one.user = 4;
  for (const uint32_t item : {10u, 12u, 13u, 14u}) {
    ++one.sequence;
    one.time_ms += 1000;
    one.item = item;
    interactions.Append(one);
    meter_.Add(4, item, one.time_ms);
  }
  ++one.sequence;
  one.item = 13;
  one.kind = model::InteractionKind::kDislike;
  interactions.Append(one);
  meter_.Remove(4, 13);
  QueryMeter other;
  other.Rebuild(interactions, interactions.size());
  for (QueryMeter* meter : {&meter_, &other}) {
    meter->Ask(4, 20, 3);
    meter->Answer(Knowledge());
  }
  EXPECT_EQ(other.State(), meter_.State());
  EXPECT_NE(other.State(), QueryMeter().State());
}

TEST_F(QueryMeterTest, PairsThatWereHeldSayWhatTheLatestItemsCount) {
  std::vector<HeldPair> held;
  for (uint32_t user = 0; user < kUsers; ++user) {
    HeldPair pair;
    pair.user = user;
    pair.item = 2 * (random_() % 100) + 1;
    for (uint32_t k = 0; k < 4; ++k) {
      const auto item = static_cast<uint32_t>(2 * (random_() % 100) + 1);
      pair.recent.push_back({item, 100 - k});
    }
    held.push_back(pair);
  }
  meter_.AskHeld(held, Knowledge());
  EXPECT_TRUE(meter_.found());
  EXPECT_GE(meter_.weights().recent, 0.1f);
  EXPECT_EQ(meter_.State()[query::kWeightPairs], kUsers);
  // Nobody knows their rows: they say nothing.
  QueryMeter other;
  for (HeldPair& pair : held) pair.user += 1000;
  other.AskHeld(held, Knowledge());
  EXPECT_FALSE(other.found());
}

TEST_F(QueryMeterTest, WhatIsOfTheSameSecondCameNeitherBeforeNorAfter) {
  meter_.Add(3, 10, 5000);
  meter_.Add(3, 12, 6999);
  meter_.Add(3, 14, 7000);
  meter_.Add(3, 16, 7500);
  const auto recent = meter_.RecentBefore(3, 7900);
  ASSERT_EQ(recent.size(), 2u);
  EXPECT_EQ(recent[0].item, 12u);
  EXPECT_EQ(recent[1].item, 10u);
  EXPECT_TRUE(meter_.RecentBefore(3, 5999).empty());
  EXPECT_TRUE(meter_.RecentBefore(4, 7900).empty());
}

TEST_F(QueryMeterTest, HeldPairsAreRankedAmongAllItems) {
  // Every fourth item lies a little off the direction of all users, each a
  // little more, and all others far away: the held one is the third.
  constexpr uint32_t kMany = 3 * QueryMeter::kMaxRows;
  learner_->Grow(kUsers, kMany);
  for (uint32_t item = 0; item < kMany; ++item) pairs_.Add(999, item, 1);
  SetRows(Side::kItems, kMany, [](uint32_t item) {
    const float off = 1e-4f * static_cast<float>(item);
    return item % 4 == 0
               ? std::vector<float>{std::cos(off), std::sin(off), 0, 0}
               : std::vector<float>{-1, 0, 0, 0};
  });
  SetRows(Side::kUsers, kUsers, [](uint32_t) {
    return std::vector<float>{1, 0, 0, 0};
  });
  learnt_.assign(kMany, 1);
  std::vector<HeldPair> held(kUsers);
  for (uint32_t user = 0; user < kUsers; ++user) {
    held[user].user = user;
    held[user].item = 8;
  }
  meter_.AskHeld(held, Knowledge());
  ASSERT_TRUE(meter_.found());
  EXPECT_NEAR(meter_.State()[0], GainOfRank(3), 1e-9);
  // At rank 101 there is nothing to be gained, at rank 100 there is.
  for (HeldPair& pair : held) pair.item = 4 * 100;
  QueryMeter behind;
  behind.AskHeld(held, Knowledge());
  EXPECT_EQ(behind.State()[0], 0);
  for (HeldPair& pair : held) pair.item = 4 * 99;
  QueryMeter before;
  before.AskHeld(held, Knowledge());
  EXPECT_NEAR(before.State()[0], GainOfRank(100), 1e-9);
}

}  // namespace
}  // namespace taud::trainer
