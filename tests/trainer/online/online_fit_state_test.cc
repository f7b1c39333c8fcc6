// The state of a fit: gone on with to the bit, refused if it cannot be, and
// what forgetting leaves of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/trainer/online/online_fit_testing.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/online/fit_state.h"

namespace taud::trainer {
namespace {

class OnlineFitStateTest : public OnlineFitTest {};

TEST_F(OnlineFitStateTest, AnImportedStateMakesTheSameStepsToTheBit) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  const size_t half = data.train.size() / 2;
  AppendAll({data.train.begin(), data.train.begin() + half}, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 37; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto state = fit_->Export();
  EXPECT_EQ(state->absorbed_through, interactions_.last_sequence());

  auto other = MakeFit(/*seed=*/99);
  MfLearner* const other_learner = learner_;
  ASSERT_TRUE(other->Import(*state).ok());
  AppendAll({data.train.begin() + half, data.train.end()},
            interactions_.last_sequence() + 1, &interactions_);
  for (OnlineFit* fit : {fit_.get(), other.get()}) {
    fit->Absorb(interactions_);
    for (int step = 0; step < 60; ++step) ASSERT_TRUE(fit->Step().ok());
  }
  const auto mine = fit_->MakeSnapshot();
  const auto theirs = other->MakeSnapshot();
  EXPECT_EQ(mine->users.values, theirs->users.values);
  EXPECT_EQ(mine->items.values, theirs->items.values);
  EXPECT_EQ(mine->temperatures, theirs->temperatures);
  EXPECT_EQ(mine->tau0, theirs->tau0);
  EXPECT_EQ(mine->trained_through, theirs->trained_through);
  EXPECT_EQ(mine->metrics, theirs->metrics);
  EXPECT_EQ(fit_->Export()->doubles, other->Export()->doubles);
  EXPECT_EQ(other_learner->rows(Side::kUsers), mine->users.rows);
}

TEST_F(OnlineFitStateTest, AStateOfRowsThatAreRenewedIsGoneOnWithToTheBit) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  for (uint32_t user = 0; user < 120; ++user) {
    AppendOne(user, data.test[user][0], &interactions_);
  }
  fit_->Absorb(interactions_);
  for (int step = 0; step < 60; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto state = fit_->Export();
  const std::vector<uint32_t>& owed = state->integers.at("users/owed");
  EXPECT_LT(std::count(owed.begin(), owed.end(), 0u), 120);

  auto other = MakeFit(/*seed=*/99);
  ASSERT_TRUE(other->Import(*state).ok());
  Settle();
  fit_.swap(other);
  Settle();
  EXPECT_EQ(fit_->MakeSnapshot()->users.values,
            other->MakeSnapshot()->users.values);
  EXPECT_EQ(fit_->Export()->integers, other->Export()->integers);
  EXPECT_EQ(fit_->Export()->doubles, other->Export()->doubles);
}

TEST_F(OnlineFitStateTest, AStateThatCannotBeIsRefused) {
  const ClusteredData data = MakeClusters(40, 30, 3, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 20; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto good = fit_->Export();
  const auto check = [&](const model::TrainingState& state) {
    return CheckTrainingState(state, kDim, 40, 30);
  };
  EXPECT_TRUE(check(*good).ok()) << check(*good);
  EXPECT_EQ(CheckTrainingState(*good, kDim + 1, 40, 30).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckTrainingState(*good, kDim, 39, 30).code(),
            absl::StatusCode::kDataLoss);
  const std::vector<std::function<void(model::TrainingState*)>> damages = {
      [](auto* s) { s->floats["users/values"][5] = std::nanf(""); },
      [](auto* s) { s->floats["items/values"][0] += 0.5f; },
      [](auto* s) { s->floats["items/moment2"][0] = -1; },
      [](auto* s) { s->floats["users/moment1"].pop_back(); },
      [](auto* s) { s->floats.erase("users/loss"); },
      [](auto* s) { s->integers["pairs/user"][0] = 40; },
      [](auto* s) { s->integers["pairs/item"][1] = 7777; },
      [](auto* s) { s->integers["negatives"][0] = 77; },
      [](auto* s) { s->integers["items/owed"].push_back(0); },
      [](auto* s) { s->integers["sampler/window"].assign(3, 1u << 30); },
      [](auto* s) { s->integers["marks/pairs"].push_back(1); },
      [](auto* s) { s->longs["counters"].pop_back(); },
      [](auto* s) { s->longs["sampler/turn"].pop_back(); },
      [](auto* s) { s->longs["sampler/turn"][0] = uint64_t{1} << 32; },
      [](auto* s) { s->doubles["figures"][8] = std::nan(""); },
      [](auto* s) { s->doubles["query_weights"].resize(7); },
      [](auto* s) { s->doubles["tau0_factor"][0] = 7; },
      [](auto* s) { s->doubles["tau0_factor"][1] = std::nan(""); },
      [](auto* s) { s->doubles["tau0_factor"].pop_back(); },
      [](auto* s) { s->doubles["figures"][8] = -0.1; },
      [](auto* s) { s->longs["held/asked"].pop_back(); },
      [](auto* s) { s->longs["held/sequence"].push_back(1); },
      [](auto* s) { s->integers["young_marks/pairs"].push_back(1); },
      [](auto* s) { s->floats["neighbours/weight"][0] = 0; },
      [](auto* s) { ++s->integers["neighbours/count"][0]; },
      [](auto* s) { s->integers["neighbours/count"].pop_back(); },
      [](auto* s) { s->integers["neighbours/item"][0] = 30; },
      [](auto* s) { s->integers["neighbours/stale"].push_back(30); },
      [](auto* s) { s->texts["random"] = "no state"; },
      [](auto* s) { s->texts["sampler/random"] = ""; },
  };
  for (size_t d = 0; d < damages.size(); ++d) {
    model::TrainingState bad = *good;
    damages[d](&bad);
    EXPECT_EQ(check(bad).code(), absl::StatusCode::kDataLoss) << d;
  }
}

// One that was written before there were any.
TEST_F(OnlineFitStateTest,
       AStateWithoutQueryWeightsRenewalOrTurnsIsGoneOnWith) {
  const ClusteredData data = MakeClusters(40, 30, 3, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  const auto state = fit_->Export();
  state->doubles.erase("query_weights");
  ASSERT_EQ(state->longs.erase("held/asked"), 1u);
  ASSERT_EQ(state->longs.erase("young_marks/sequence"), 1u);
  state->integers.erase("users/owed");
  state->integers.erase("items/owed");
  ASSERT_EQ(state->longs.erase("sampler/turn"), 1u);
  fit_ = MakeFit();
  ASSERT_TRUE(fit_->Import(*state).ok());
  Settle();
}

TEST_F(OnlineFitStateTest, AStateWhoseNegativesHadNoRowsYetIsGoneOnWith) {
  const ClusteredData data = MakeClusters(40, 30, 3, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  const auto state = fit_->Export();
  EXPECT_TRUE(state->integers.at("negatives").empty());
  // As it was once, before a window opens.
  state->integers["negatives"] = state->integers.at("present");
  fit_ = MakeFit();
  ASSERT_TRUE(fit_->Import(*state).ok());
  Settle();
  const auto after = fit_->Export();
  EXPECT_EQ(after->integers.at("negatives").size(),
            after->integers.at("present").size());
  fit_ = MakeFit();
  EXPECT_TRUE(fit_->Import(*after).ok());
}

// A pair that an open window has visited has been counted, too.
TEST_F(OnlineFitStateTest, ForgetsPairsThatAnOpenWindowHasVisited) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  ASSERT_GT(fit_->unvisited(), 0u);  // the window is open
  std::vector<uint32_t> users;
  for (uint32_t user = 0; user < 299; ++user) users.push_back(user);
  interactions_.Erase(users, {});
  fit_->Forget(users, {});
  uint64_t of_items = 0;
  uint64_t of_users = 0;
  const auto state = fit_->Export();
  for (const auto n : state->integers.at("items/learnt")) of_items += n;
  for (const auto n : state->integers.at("users/learnt")) of_users += n;
  EXPECT_EQ(of_items, of_users);
}

// Nothing is left to draw, so that no passes are ever done: it waits.
TEST_F(OnlineFitStateTest, WaitsWhenAllWasErasedWhileWarmingUp) {
  const ClusteredData data = MakeClusters(30, 40, 2, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  ASSERT_TRUE(fit_->figures().warming_up);
  std::vector<uint32_t> users;
  for (uint32_t user = 0; user < 30; ++user) users.push_back(user);
  interactions_.Erase(users, {});
  fit_->Forget(users, {});
  EXPECT_FALSE(fit_->Ready());
  // And goes on with those that come.
  for (uint32_t n = 0; n < 20; ++n) AppendOne(100 + n % 5, n, &interactions_);
  fit_->Absorb(interactions_);
  EXPECT_TRUE(fit_->Ready());
  Settle();
}

TEST_F(OnlineFitStateTest, WhatHasNothingToLearnIsLearntAtOnce) {
  const ClusteredData data = MakeClusters(60, 50, 5, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  // A repeat, a dislike, and events that are gone from the end of the log.
  AppendOne(0, data.train[0][0], &interactions_);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  AppendOne(0, 49, &interactions_, model::InteractionKind::kDislike);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  interactions_.AdvanceThrough(interactions_.last_sequence() + 5);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  EXPECT_EQ(fit_->absorbed_through(), interactions_.last_sequence());
}

TEST_F(OnlineFitStateTest, ForgetsUsersAndItemsAndGoesOn) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 50; ++step) ASSERT_TRUE(fit_->Step().ok());
  ASSERT_GT(fit_->Export()->integers.at("users/owed")[3], 0u);
  const std::vector<uint32_t> users = {3, 77};
  const std::vector<uint32_t> items = {5};
  interactions_.Erase(users, items);
  fit_->Forget(users, items);
  const auto holds = [&](const model::TrainingState& state) {
    const auto& pair_users = state.integers.at("pairs/user");
    const auto& pair_items = state.integers.at("pairs/item");
    for (size_t p = 0; p < pair_users.size(); ++p) {
      if (pair_users[p] == 3 || pair_users[p] == 77 || pair_items[p] == 5) {
        return true;
      }
    }
    const auto& negatives = state.integers.at("negatives");
    if (std::count(negatives.begin(), negatives.end(), 5u) > 0) return true;
    for (const char* name :
         {"users/values", "users/moment1", "users/moment2"}) {
      for (int c = 0; c < kDim; ++c) {
        if (state.floats.at(name)[3 * kDim + c] != 0) return true;
      }
    }
    return state.integers.at("users/learnt")[3] != 0 ||
           state.floats.at("users/loss")[3] != 0 ||
           state.integers.at("users/owed")[3] != 0 ||
           state.floats.at("items/values")[5 * kDim] != 0;
  };
  EXPECT_FALSE(holds(*fit_->Export()));
  Settle();
  EXPECT_FALSE(holds(*fit_->Export()));
  const auto snapshot = ValidSnapshot();
  EXPECT_EQ(snapshot->user_degree[3], 0u);
  EXPECT_EQ(snapshot->item_popularity[5], 0u);
  EXPECT_GT(snapshot->user_degree[4], 0u);
  // The state without them is one to go on from.
  auto other = MakeFit();
  EXPECT_TRUE(other->Import(*fit_->Export()).ok());
}

}  // namespace
}  // namespace taud::trainer
