// What leaves the event store: old events, retracted ones; and what it does not
// take in for want of room.

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_erasure_testing.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

class EventStoreRetentionTest : public EventStoreErasureTest {};

TEST_F(EventStoreRetentionTest, OldEventsGoButNoneThatIsNeeded) {
  Open();
  for (int day = 0; day < 10; ++day) {
    ASSERT_TRUE(Append({Event("u", absl::StrCat("i", day))}).ok());
    clock_.Pass(kDay);
  }
  EventStore::Retention retention;
  EXPECT_EQ(*store()->Trim(retention, 10), 0u);
  retention.max_age_ms = 5 * kDay + kDay / 2;
  EXPECT_EQ(*store()->Trim(retention, 2), 2u);
  // The fifth was accepted six days ago, the sixth five.
  EXPECT_EQ(*store()->Trim(retention, 10), 4u);
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 6u);
  EXPECT_EQ(state().interactions.At(0).sequence, 5u);
  EXPECT_EQ((*Append({Event("u", "new")}))[0].sequence, 11u);
}

TEST_F(EventStoreRetentionTest, AnAgeBeyondTheStoresTimeDeletesNothing) {
  for (const int64_t now : {int64_t{1700000000000}, int64_t{60000}}) {
    clock_.wall_ms = now;
    options_.directory = dir_ / absl::StrCat("log", now);
    Open();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(Append({Event("u", absl::StrCat("i", i))}).ok());
      clock_.Pass(60000);
    }
    EventStore::Retention retention;
    retention.max_age_ms = 36500 * kDay;
    EXPECT_EQ(*store()->Trim(retention, 3), 0u) << now;
    retention.max_age_ms = kDay;
    EXPECT_EQ(*store()->Trim(retention, 3), 0u) << now;
    Close();
    Open();
    EXPECT_EQ(state().interactions.size(), 3u) << now;
  }
}

TEST_F(EventStoreRetentionTest, TheOldestTablesGoWhenThereAreTooManyBytes) {
  Open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Append({Event("u", absl::StrCat("i", i))}).ok());
  }
  std::vector<Erasure> none;
  ASSERT_TRUE(store()->EraseFromLog(&none).ok());  // writes a table
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Append({Event("u", absl::StrCat("j", i))}).ok());
  }
  EventStore::Retention retention;
  retention.max_bytes = uint64_t{1} << 30;
  EXPECT_EQ(*store()->Trim(retention, 1000), 0u);
  retention.max_bytes = 1;
  EXPECT_EQ(*store()->Trim(retention, 40), 40u);
  // What is not in a table yet stays.
  EXPECT_EQ(*store()->Trim(retention, 1000), 100u);
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 10u);
  EXPECT_EQ(state().interactions.At(0).sequence, 101u);
}

TEST_F(EventStoreRetentionTest, NothingIsTakenInWhenTheDiskIsNearlyFull) {
  std::atomic<uint64_t> free{1000};
  options_.min_free_bytes = 500;
  options_.free_bytes = [&free] { return free.load(); };
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  free = 499;
  const AppendResult refused = Append({Event("u", "b")});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("store.min_free_mib"));
  EXPECT_FALSE(IsQueueFull(refused.status()));
  NewItem item;
  item.id = "i";
  EXPECT_FALSE(UpsertAndWait(store(), {item}).ok());
  // What frees space goes on.
  EXPECT_TRUE(Erase(ErasureSubject::kUser, "u").ok());
  free = 500;
  EXPECT_TRUE(Append({Event("u", "b")}).ok());
}

TEST_F(EventStoreRetentionTest, TheQueueIsBoundedInBytes) {
  options_.max_queued_bytes = 2000;
  Open();
  const std::string long_id(250, 'x');
  const AppendResult large =
      Append(std::vector<NewInteraction>(10, Event(long_id, long_id)));
  EXPECT_EQ(large.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(large.status().message()), HasSubstr("bytes"));
  EXPECT_TRUE(Append({Event(long_id, long_id)}).ok());
}

TEST_F(EventStoreRetentionTest, WhatIsRetractedIsGoneAtOnceAndThenFromTheLog) {
  Open();
  NewInteraction bought;
  bought.user_id = "ann";
  bought.item_id = "lamp";
  bought.kind = model::InteractionKind::kPurchase;
  bought.event_id = "order-1";
  NewInteraction viewed = bought;
  viewed.kind = model::InteractionKind::kView;
  viewed.event_id.clear();
  NewInteraction other = viewed;
  other.item_id = "desk";
  ASSERT_TRUE(Append({viewed, bought, other}).ok());
  const auto retract = [&](const Retraction& retraction) {
    std::promise<absl::StatusOr<EventStore::Retracted>> promise;
    auto answer = promise.get_future();
    const absl::Status status = store()->Retract(
        {retraction}, [&promise](absl::StatusOr<EventStore::Retracted> done) {
          promise.set_value(std::move(done));
        });
    EXPECT_TRUE(status.ok()) << status;
    return answer.get();
  };
  Retraction order;
  order.event_id = "order-1";
  const auto retracted = retract(order);
  ASSERT_TRUE(retracted.ok()) << retracted.status();
  EXPECT_EQ(retracted->interactions, 1u);
  // 4 takes all back, 5 is the view anew.
  EXPECT_EQ(retracted->sequences, (std::vector<model::Sequence>{5}));
  const auto kinds = [&] {
    std::vector<model::HistoryEntry> history;
    state().interactions.CopyHistory(0, 10, &history);
    std::vector<model::InteractionKind> found;
    for (const model::HistoryEntry& entry : history) {
      if (entry.item == 0) found.push_back(entry.kind);
    }
    return found;
  };
  EXPECT_EQ(
      kinds(),
      (std::vector<model::InteractionKind>{model::InteractionKind::kView}));
  EXPECT_FALSE(retract(order).ok());
  // Sent again, it is a duplicate and stays taken back.
  const AppendResult again = Append({bought});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE((*again)[0].duplicate);

  Retraction all;
  all.user_id = "ann";
  all.item_id = "lamp";
  ASSERT_TRUE(retract(all).ok());
  EXPECT_TRUE(kinds().empty());
  // Not beyond what everybody has read.
  EXPECT_EQ(*store()->PurgeRetracted(4), 4u);
  EXPECT_EQ(*store()->PurgeRetracted(100), 6u);
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 1u);  // the desk
  EXPECT_TRUE(kinds().empty());
  EXPECT_EQ(state().interactions.last_sequence(), 6u);
}

TEST_F(EventStoreRetentionTest, ARetractionOfTheUnknownWritesNothing) {
  Open();
  NewInteraction retract;
  retract.user_id = "nobody";
  retract.item_id = "nothing";
  retract.kind = model::InteractionKind::kRetract;
  const AppendResult appended = Append({retract});
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_TRUE((*appended)[0].duplicate);
  EXPECT_EQ(state().users.size(), 0u);
  EXPECT_EQ(state().interactions.last_sequence(), 0u);
}

}  // namespace
}  // namespace taud::store
