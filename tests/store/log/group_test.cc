#include "store/log/group.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {

bool operator==(const Appended& a, const Appended& b) {
  return a.sequence == b.sequence && a.duplicate == b.duplicate &&
         a.refused == b.refused;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PendingBatch Interactions(std::vector<NewInteraction> interactions) {
  PendingBatch batch;
  batch.batch.interactions = std::move(interactions);
  return batch;
}

PendingBatch Items(std::vector<std::string> ids) {
  PendingBatch batch;
  for (std::string& id : ids) {
    NewItem item;
    item.id = std::move(id);
    batch.items.push_back(std::move(item));
  }
  return batch;
}

TEST(PlanGroupTest, GivesSequencesAndIndicesInOrder) {
  model::State state;
  state.users.Insert("old");
  std::vector<PendingBatch> batches;
  batches.push_back(Interactions({Event("new", "a"), Event("old", "b")}));
  batches.push_back(Items({"c", "a"}));
  batches.push_back(Interactions({Event("new", "c")}));
  const GroupPlan plan = PlanGroup(batches, {}, 10, state);
  EXPECT_EQ(plan.first_user, 1u);
  EXPECT_EQ(plan.first_item, 0u);
  EXPECT_THAT(plan.new_users, ElementsAre("new"));
  EXPECT_THAT(plan.new_items, ElementsAre("a", "b", "c"));
  ASSERT_EQ(plan.events.size(), 3u);
  EXPECT_EQ(plan.events[0].interaction.user, 1u);
  EXPECT_EQ(plan.events[1].interaction.user, 0u);
  EXPECT_EQ(plan.events[2].interaction.item, 2u);
  ASSERT_EQ(plan.records.size(), 2u);
  EXPECT_EQ(plan.records[0].item, 2u);
  EXPECT_EQ(plan.records[1].item, 0u);
  EXPECT_EQ(plan.last_sequence, 13u);
  EXPECT_THAT(plan.results,
              ElementsAre(ElementsAre(Appended{11, false}, Appended{12, false}),
                          IsEmpty(), ElementsAre(Appended{13, false})));
  // Only decided, nothing done.
  EXPECT_EQ(state.users.size(), 1u);
  EXPECT_EQ(state.items.size(), 0u);
}

TEST(PlanGroupTest, RecognisesStoredAndNewEventIds) {
  model::State state;
  std::vector<PendingBatch> batches;
  batches.push_back(Interactions(
      {Event("u", "a", "stored"), Event("u", "b"), Event("u", "c", "fresh")}));
  batches.push_back(
      Interactions({Event("v", "c", "fresh"), Event("u", "d", "other")}));
  EXPECT_THAT(EventIdsOf(batches),
              ElementsAre("stored", "fresh", "fresh", "other"));
  const GroupPlan plan = PlanGroup(batches, {4, 0, 0, 0}, 9, state);
  EXPECT_THAT(
      plan.results,
      ElementsAre(ElementsAre(Appended{4, true}, Appended{10, false},
                              Appended{11, false}),
                  ElementsAre(Appended{11, true}, Appended{12, false})));
  EXPECT_EQ(plan.duplicates, 2u);
  // "a" and "v" came only with duplicates.
  EXPECT_THAT(plan.new_items, ElementsAre("b", "c", "d"));
  EXPECT_THAT(plan.new_users, ElementsAre("u"));
}

TEST(PlanGroupTest, OnlyDuplicatesWriteNothing) {
  model::State state;
  std::vector<PendingBatch> batches;
  batches.push_back(Interactions({Event("u", "a", "e")}));
  batches.push_back(Interactions({}));
  const GroupPlan plan = PlanGroup(batches, {3}, 9, state);
  EXPECT_TRUE(plan.empty());
  EXPECT_EQ(plan.last_sequence, 9u);
  EXPECT_EQ(plan.results.size(), 2u);
}

TEST(ApplyGroupTest, MakesThePlanVisible) {
  model::State state;
  std::vector<PendingBatch> batches;
  batches.push_back(Interactions({Event("u", "a"), Event("u", "b")}));
  batches.push_back(Items({"c"}));
  batches[1].items[0].record.title = "C";
  const GroupPlan plan = PlanGroup(batches, {}, 0, state);
  ApplyIds(plan, &state);
  ApplyEvents(plan, &state);
  EXPECT_EQ(state.users.Find("u"), 0u);
  EXPECT_EQ(state.items.Find("b"), 1u);
  EXPECT_TRUE(HasSeen(state.interactions, 0, 1));
  EXPECT_EQ(state.interactions.last_sequence(), 2u);
  EXPECT_EQ(state.catalogue.Title(2), "C");
}

TEST(ApplyGroupDeathTest, RefusesAPlanOfAnotherState) {
  model::State state;
  const GroupPlan plan = PlanGroup({}, {}, 0, state);
  state.users.Insert("meanwhile");
  EXPECT_DEATH(ApplyIds(plan, &state), "check failed");
}

TEST(PlanGroupTest, ABatchThatNeedsOneIdTooManyLeavesNothingBehind) {
  model::State state;
  state.users.Insert("u1");
  std::vector<PendingBatch> batches;
  batches.push_back(Interactions({Event("u1", "a")}));
  // Its first interaction would fit, with a new item.
  batches.push_back(
      Interactions({Event("u1", "b", "e1"), Event("u2", "b", "e2"),
                    Event("u1", "c", "e3")}));
  // And what comes behind goes on, with an event id of the refused one.
  batches.push_back(Interactions({Event("u1", "c", "e1")}));
  const GroupPlan plan = PlanGroup(batches, {0, 0, 0, 0}, 10, state, {},
                                   {/*max_users=*/1, /*max_items=*/2});
  EXPECT_TRUE(plan.refused[0].ok());
  EXPECT_EQ(FullOfIds(plan.refused[1]), FullOf::kUsers);
  EXPECT_EQ(plan.refused[1].code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(plan.refused[1].message()),
              ::testing::HasSubstr("store.max_users"));
  EXPECT_TRUE(plan.refused[2].ok());
  EXPECT_THAT(plan.new_users, IsEmpty());
  EXPECT_THAT(plan.new_items, ElementsAre("a", "c"));
  ASSERT_EQ(plan.events.size(), 2u);
  EXPECT_EQ(plan.events[1].interaction.sequence, 12u);
  EXPECT_EQ(plan.events[1].interaction.item, 1u);
  EXPECT_THAT(plan.results,
              ElementsAre(ElementsAre(Appended{11, false}), IsEmpty(),
                          ElementsAre(Appended{12, false})));
  EXPECT_EQ(plan.last_sequence, 12u);
}

TEST(PlanGroupTest, OfAPartialBatchWhatFitsIsWritten) {
  model::State state;
  state.users.Insert("u1");
  PendingBatch batch =
      Interactions({Event("u1", "a"), Event("u2", "a", "e1"), Event("u3", "a"),
                    Event("u2", "b", "e1"), Event("u1", "c")});
  batch.batch.partial = true;
  batch.batch.stream_id = "s";
  batch.batch.position = 4;
  std::vector<PendingBatch> batches;
  batches.push_back(std::move(batch));
  const GroupPlan plan =
      PlanGroup(batches, {0, 0}, 0, state, {}, {/*max_users=*/2, 0});
  EXPECT_TRUE(plan.refused[0].ok());
  EXPECT_THAT(plan.results[0],
              ElementsAre(Appended{1, false}, Appended{2, false},
                          Appended{0, false, FullOf::kUsers}, Appended{2, true},
                          Appended{3, false}));
  EXPECT_THAT(plan.new_users, ElementsAre("u2"));
  EXPECT_EQ(plan.streams.at("s").position, 4u);
}

TEST(PlanGroupTest, AnEventThatWasRefusedIsNoDuplicate) {
  model::State state;
  state.users.Insert("u1");
  PendingBatch batch =
      Interactions({Event("u2", "a", "e1"), Event("u1", "a", "e1")});
  batch.batch.partial = true;
  std::vector<PendingBatch> batches;
  batches.push_back(std::move(batch));
  const GroupPlan plan =
      PlanGroup(batches, {0, 0}, 0, state, {}, {/*max_users=*/1, 0});
  EXPECT_THAT(plan.results[0], ElementsAre(Appended{0, false, FullOf::kUsers},
                                           Appended{1, false}));
}

TEST(PlanGroupTest, ItemsBeyondTheBoundAreRefusedAndThoseThatAreThereGoOn) {
  model::State state;
  state.items.Insert("a");
  std::vector<PendingBatch> batches;
  batches.push_back(Items({"a", "b", "b"}));
  batches.push_back(Items({"a", "c"}));
  batches.push_back(Items({"a"}));
  const GroupPlan plan = PlanGroup(batches, {}, 0, state, {}, {0, 2});
  EXPECT_TRUE(plan.refused[0].ok());
  EXPECT_EQ(FullOfIds(plan.refused[1]), FullOf::kItems);
  EXPECT_TRUE(plan.refused[2].ok());
  EXPECT_THAT(plan.new_items, ElementsAre("b"));
  EXPECT_EQ(plan.records.size(), 4u);
}

TEST(PlanGroupTest, WhatWasErasedMakesRoomAndFewerThanThereAreAreNoFault) {
  model::State state;
  for (const char* id : {"u1", "u2", "u3"}) state.users.Insert(id);
  const auto plan = [&state](const char* user, size_t max) {
    std::vector<PendingBatch> batches;
    batches.push_back(Interactions({Event(user, "a")}));
    return PlanGroup(batches, {}, 0, state, {}, {max, 0}).refused[0].ok();
  };
  EXPECT_FALSE(plan("new", 3));
  EXPECT_FALSE(plan("new", 1));
  EXPECT_TRUE(plan("u3", 1));
  state.users.Erase(1);
  EXPECT_TRUE(plan("new", 3));
  EXPECT_FALSE(plan("new", 2));
}

}  // namespace
}  // namespace taud::store
