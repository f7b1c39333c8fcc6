#include "store/log/retraction.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using model::InteractionKind;
using testing::ElementsAre;
using testing::HasSubstr;

class RetractionTest : public testing::Test {
 protected:
  RetractionTest() {
    for (const char* id : {"u0", "u1"}) state_.users.Insert(id);
    for (const char* id : {"i0", "i1", "i2"}) state_.items.Insert(id);
    Append(0, 0, InteractionKind::kView, 100);      // 1
    Append(0, 0, InteractionKind::kPurchase, 200);  // 2
    Append(0, 1, InteractionKind::kLike, 300);      // 3
    Append(1, 2, InteractionKind::kLike, 400);      // 4
  }
  void Append(model::UserIndex user, model::ItemIndex item,
              InteractionKind kind, int64_t time_ms) {
    model::Interaction one;
    one.sequence = state_.interactions.last_sequence() + 1;
    one.user = user;
    one.item = item;
    one.kind = kind;
    one.time_ms = time_ms;
    one.weight = 2;
    state_.interactions.Append(one);
  }
  static Retraction BySequence(model::Sequence sequence) {
    Retraction retraction;
    retraction.sequence = sequence;
    return retraction;
  }
  static Retraction ByPair(const std::string& user, const std::string& item) {
    Retraction retraction;
    retraction.user_id = user;
    retraction.item_id = item;
    return retraction;
  }
  absl::StatusOr<RetractionPlan> Plan(
      const std::vector<Retraction>& retractions,
      std::vector<model::Sequence> sequences = {}) {
    sequences.resize(retractions.size(), 0);
    return PlanRetractions(retractions, sequences, state_, 9000);
  }

  model::State state_;
};

TEST_F(RetractionTest, OneOfSeveralGoesAndTheOthersStay) {
  const auto plan = Plan({BySequence(2)});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->interactions.size(), 2u);
  EXPECT_EQ(plan->interactions[0].kind, InteractionKind::kRetract);
  EXPECT_EQ(plan->interactions[0].user_id, "u0");
  EXPECT_EQ(plan->interactions[0].item_id, "i0");
  EXPECT_EQ(plan->interactions[1].kind, InteractionKind::kView);
  EXPECT_EQ(plan->interactions[1].time_ms, 100);
  EXPECT_EQ(plan->interactions[1].weight, 2);
  EXPECT_THAT(plan->last_of, ElementsAre(1));
  EXPECT_EQ(plan->taken_back, 1u);
}

TEST_F(RetractionTest, ByPairByEventIdAndSeveralAtOnce) {
  Retraction by_event;
  by_event.event_id = "e";
  const auto plan =
      Plan({ByPair("u0", "i0"), by_event, BySequence(1)}, {0, 4, 0});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->interactions.size(), 2u);  // both pairs, nothing stays
  EXPECT_EQ(plan->taken_back, 3u);
  ASSERT_EQ(plan->last_of.size(), 3u);
  EXPECT_EQ(plan->interactions[plan->last_of[0]].item_id, "i0");
  EXPECT_EQ(plan->interactions[plan->last_of[1]].item_id, "i2");
  EXPECT_EQ(plan->last_of[2], plan->last_of[0]);
}

TEST_F(RetractionTest, WhatTakesNothingBackIsNotFound) {
  const auto message = [&](const Retraction& retraction) {
    const auto plan = Plan({BySequence(3), retraction});
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kNotFound);
    return std::string(plan.status().message());
  };
  EXPECT_THAT(message(BySequence(77)),
              HasSubstr("retractions[1].sequence: 77"));
  EXPECT_THAT(message(ByPair("u9", "i0")), HasSubstr("\"u9\""));
  EXPECT_THAT(message(ByPair("u1", "i0")), HasSubstr("did nothing"));
  Retraction by_event;
  by_event.event_id = "unheard";
  EXPECT_THAT(message(by_event), HasSubstr("event_id: \"unheard\""));
  Append(0, 0, InteractionKind::kRetract, 500);  // 5
  EXPECT_THAT(message(BySequence(2)), HasSubstr("taken back before"));
  EXPECT_THAT(message(BySequence(5)), HasSubstr("not in the log"));
  EXPECT_THAT(message(ByPair("u0", "i0")), HasSubstr("did nothing"));
}

}  // namespace
}  // namespace taud::store
