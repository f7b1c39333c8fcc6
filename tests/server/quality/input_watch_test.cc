#include "server/quality/input_watch.h"

#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

model::Interaction One(uint32_t user, uint32_t item,
                       model::InteractionKind kind) {
  model::Interaction one;
  one.user = user;
  one.item = item;
  one.kind = kind;
  return one;
}

class InputWatchTest : public testing::Test {
 protected:
  InputWatchTest() { FillDictionaries(100, 100, &state_); }
  void Add(uint32_t user, uint32_t item,
           model::InteractionKind kind = model::InteractionKind::kView) {
    watch_.Add(One(user, item, kind), true, now_);
  }
  v1::InputHealth Report() {
    v1::InputHealth input;
    watch_.Fill(state_, &input);
    return input;
  }
  model::State state_;
  InputWatch watch_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(InputWatchTest, SharesOfKindsOfNewOnesAndOfTheMostActive) {
  Interact(0, 0, &state_);
  watch_.Begin(state_.interactions, now_);
  Add(0, 0);
  Add(0, 1, model::InteractionKind::kLike);
  Add(1, 1);
  Add(0, 1);
  const v1::InputHealth input = Report();
  EXPECT_EQ(input.interactions(), 4u);
  EXPECT_EQ(input.kinds().at("view"), .75);
  EXPECT_EQ(input.kinds().at("like"), .25);
  EXPECT_EQ(input.kinds().count("dislike"), 0u);
  EXPECT_EQ(input.new_user_share(), .25);  // u1, once
  EXPECT_EQ(input.new_item_share(), .25);  // i1, once
  EXPECT_EQ(input.top_user_id(), "u0");
  EXPECT_EQ(input.top_user_share(), .75);
  EXPECT_EQ(input.top_item_id(), "i1");
  EXPECT_EQ(input.top_item_share(), .75);
}

TEST_F(InputWatchTest, AnHourIsComparedWithTheOneBefore) {
  watch_.Begin(state_.interactions, now_);
  for (int i = 0; i < 1000; ++i) Add(0, 0);
  EXPECT_EQ(Report().kinds_psi(), 0);
  now_ += absl::Hours(1);
  for (int i = 0; i < 1000; ++i) {
    Add(0, 0, model::InteractionKind::kDislike);
  }
  EXPECT_EQ(Report().interactions(), 2000u);
  EXPECT_GT(Report().kinds_psi(), 1);
  now_ += absl::Hours(1);
  Add(0, 0, model::InteractionKind::kDislike);
  EXPECT_EQ(Report().interactions(), 1001u);
}

// The most frequent is found among far more than are counted.
TEST_F(InputWatchTest, TheMostActiveIsFoundAmongManyInBoundedMemory) {
  FrequentValues values;
  for (uint32_t i = 0; i < 100000; ++i) {
    values.Add(7);
    values.Add(1000 + i);
  }
  ASSERT_TRUE(values.counts().contains(7));
  EXPECT_GE(values.counts().at(7), 100000 - 200000 / FrequentValues::kMost);
  EXPECT_LE(values.counts().size(), FrequentValues::kMost);
}

TEST_F(InputWatchTest, AfterAnErasureNobodyIsNamed) {
  watch_.Begin(state_.interactions, now_);
  Add(3, 4);
  watch_.Clear();
  EXPECT_EQ(Report().top_user_id(), "");
  EXPECT_EQ(Report().top_item_id(), "");
  EXPECT_EQ(Report().interactions(), 1u);
}

}  // namespace
}  // namespace taud::server
