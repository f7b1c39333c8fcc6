#include "store/log/event_store.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EventStoreTest : public ::testing::Test {
 protected:
  EventStoreTest() { options_.directory = dir_ / "events"; }

  void Open() {
    absl::StatusOr<OpenedStore> opened = OpenStore(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  void Reopen() {
    opened_.store.reset();
    Open();
  }
  // Opens it once more without reading it, then reads it: what Replay reports
  // meanwhile goes to *calls, and what it reads to state().
  void ReplayAnew(std::vector<std::pair<uint64_t, uint64_t>>* calls) {
    opened_.store.reset();
    opened_.state = std::make_unique<model::State>();
    auto store = EventStore::Open(options_, opened_.state.get());
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)
                    ->Replay([&](uint64_t read, uint64_t of) {
                      calls->emplace_back(read, of);
                    })
                    .ok());
  }
  EventStore* store() { return opened_.store.get(); }
  const model::State& state() const { return *opened_.state; }

  TempDir dir_;
  EventStore::Options options_;
  OpenedStore opened_;
};

TEST_F(EventStoreTest, WhatACallbackReportsIsVisible) {
  Open();
  absl::Notification answered;
  ASSERT_TRUE(store()
                  ->Append({Event("u", "a"), Event("u", "b")},
                           [&](AppendResult result) {
                             ASSERT_TRUE(result.ok());
                             EXPECT_EQ((*result)[1].sequence, 2u);
                             EXPECT_EQ(state().users.Find("u"), 0u);
                             EXPECT_TRUE(HasSeen(state().interactions, 0, 0));
                             EXPECT_TRUE(HasSeen(state().interactions, 0, 1));
                             answered.Notify();
                           })
                  .ok());
  answered.WaitForNotification();
}

TEST_F(EventStoreTest, EverythingIsThereAfterReopening) {
  Open();
  NewInteraction event = Event("käufer", "電影", "id-1");
  event.time_ms = -123456789;
  event.weight = 2.5f;
  event.kind = model::InteractionKind::kPurchase;
  ASSERT_TRUE(AppendAndWait(store(), {event}).ok());
  NewItem item;
  item.id = "new item";
  item.record.title = "Übermut";
  item.record.tags = {"a", "b"};
  item.record.hidden = true;
  item.record.available_until_ms = 99;
  ASSERT_TRUE(UpsertAndWait(store(), {item}).ok());
  Reopen();
  EXPECT_EQ(state().users.Name(0), "käufer");
  EXPECT_EQ(state().items.Name(0), "電影");
  EXPECT_EQ(state().items.Find("new item"), 1u);
  ASSERT_EQ(state().interactions.size(), 1u);
  const model::Interaction& read = state().interactions.At(0);
  EXPECT_EQ(read.sequence, 1u);
  EXPECT_EQ(read.time_ms, -123456789);
  EXPECT_EQ(read.weight, 2.5f);
  EXPECT_EQ(read.kind, model::InteractionKind::kPurchase);
  const model::ItemRecord record = state().catalogue.Get(1);
  EXPECT_EQ(record.title, "Übermut");
  EXPECT_THAT(record.tags, ElementsAre("a", "b"));
  EXPECT_TRUE(record.hidden);
  EXPECT_EQ(record.available_until_ms, 99);
  EXPECT_FALSE(state().catalogue.Has(0));
}

TEST_F(EventStoreTest, SequencesAndIndicesGoOnAfterReopening) {
  Open();
  ASSERT_TRUE(AppendAndWait(store(), {Event("u", "a"), Event("v", "b")}).ok());
  Reopen();
  EXPECT_EQ(store()->stats().last_sequence, 2u);
  const AppendResult result =
      AppendAndWait(store(), {Event("w", "a"), Event("u", "c")});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)[0].sequence, 3u);
  EXPECT_EQ(state().users.Find("w"), 2u);
  EXPECT_EQ(state().items.Find("c"), 2u);
}

TEST_F(EventStoreTest, EventIdsAreRecognisedInABatchAcrossBatchesAndReopening) {
  Open();
  AppendResult result = AppendAndWait(
      store(), {Event("u", "a", "x"), Event("u", "b"), Event("u", "a", "x")});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE((*result)[2].duplicate);
  EXPECT_EQ((*result)[2].sequence, 1u);
  result = AppendAndWait(store(), {Event("u", "a", "x")});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE((*result)[0].duplicate);
  Reopen();
  result = AppendAndWait(store(), {Event("u", "c", "y"), Event("z", "z", "x")});
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE((*result)[0].duplicate);
  EXPECT_EQ((*result)[0].sequence, 3u);
  EXPECT_TRUE((*result)[1].duplicate);
  EXPECT_EQ((*result)[1].sequence, 1u);
  EXPECT_EQ(state().interactions.size(), 3u);
  EXPECT_FALSE(state().users.Find("z").has_value());
  EXPECT_EQ(store()->stats().duplicates, 1u);
}

TEST_F(EventStoreTest, UpsertReplacesARecord) {
  Open();
  NewItem item;
  item.id = "i";
  item.record.title = "first";
  ASSERT_TRUE(UpsertAndWait(store(), {item}).ok());
  item.record.title = "second";
  NewItem other;
  other.id = "j";
  ASSERT_TRUE(UpsertAndWait(store(), {item, other}).ok());
  EXPECT_EQ(state().catalogue.Title(0), "second");
  Reopen();
  EXPECT_EQ(state().catalogue.Title(0), "second");
  EXPECT_TRUE(state().catalogue.Has(1));
  EXPECT_EQ(state().items.size(), 2u);
}

TEST_F(EventStoreTest, AnEmptyBatchIsAnswered) {
  Open();
  const AppendResult result = AppendAndWait(store(), {});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->empty());
  EXPECT_TRUE(UpsertAndWait(store(), {}).ok());
  EXPECT_EQ(store()->stats().groups, 0u);
}

TEST_F(EventStoreTest, IdsOfEveryLengthAndKindSurvive) {
  Open();
  std::vector<NewInteraction> batch;
  for (size_t n = 1; n <= model::kMaxIdBytes; ++n) {
    batch.push_back(
        Event(std::string(n, 'u'), std::string(n, 'i'), std::string(n, 'e')));
  }
  batch.push_back(Event(std::string("a\0b", 3), "\n\"\\", "🎬"));
  ASSERT_TRUE(AppendAndWait(store(), batch).ok());
  Reopen();
  ASSERT_EQ(state().users.size(), batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(state().users.Name(static_cast<uint32_t>(i)), batch[i].user_id);
    EXPECT_EQ(state().items.Name(static_cast<uint32_t>(i)), batch[i].item_id);
  }
  const AppendResult again = AppendAndWait(store(), batch);
  ASSERT_TRUE(again.ok());
  for (const Appended& a : *again) EXPECT_TRUE(a.duplicate);
}

TEST_F(EventStoreTest, InvalidBatchesAreRefusedWhole) {
  Open();
  const AppendResult result =
      AppendAndWait(store(), {Event("u", "a"), Event("", "b")});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("interactions[1].user_id"));
  NewItem nameless;
  EXPECT_EQ(UpsertAndWait(store(), {nameless}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(state().interactions.size(), 0u);
}

TEST_F(EventStoreTest, AcceptsOnlyBetweenReplayAndClose) {
  auto state = std::make_unique<model::State>();
  auto store = EventStore::Open(options_, state.get());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(AppendAndWait(store->get(), {Event("u", "a")}).status().code(),
            absl::StatusCode::kUnavailable);
  ASSERT_TRUE((*store)->Replay(nullptr).ok());
  EXPECT_TRUE(AppendAndWait(store->get(), {Event("u", "a")}).ok());
  EXPECT_EQ((*store)->Replay(nullptr).code(),
            absl::StatusCode::kFailedPrecondition);
  (*store)->Close();
  (*store)->Close();
  EXPECT_EQ(AppendAndWait(store->get(), {Event("u", "a")}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ((*store)->Replay(nullptr).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventStoreTest, OpenRefusesAUsedState) {
  model::State state;
  state.users.Insert("someone");
  EXPECT_EQ(EventStore::Open(options_, &state).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventStoreTest, ReplayReportsProgressToTheEnd) {
  Open();
  ASSERT_TRUE(AppendAndWait(store(), {Event("u", "a"), Event("u", "b")}).ok());
  std::vector<std::pair<uint64_t, uint64_t>> calls;
  ReplayAnew(&calls);
  ASSERT_FALSE(calls.empty());
  EXPECT_EQ(calls.back(), std::make_pair(uint64_t{2}, uint64_t{2}));
}

// Of what is there, not of what there ever was.
TEST_F(EventStoreTest, ReplayReportsProgressOfATrimmedLog) {
  Open();
  ASSERT_TRUE(AppendAndWait(store(), {Event("u", "a"), Event("u", "b")}).ok());
  ASSERT_TRUE(AppendAndWait(store(), {Event("u", "c")}).ok());
  std::vector<Erasure> none;
  ASSERT_TRUE(store()->EraseFromLog(&none).ok());  // writes a table
  EventStore::Retention retention;
  retention.max_bytes = 1;
  ASSERT_EQ(*store()->Trim(retention, /*needed=*/2), 2u);
  std::vector<std::pair<uint64_t, uint64_t>> calls;
  ReplayAnew(&calls);
  ASSERT_EQ(opened_.state->interactions.size(), 1u);
  ASSERT_FALSE(calls.empty());
  EXPECT_EQ(calls.front(), std::make_pair(uint64_t{1}, uint64_t{1}));
}

TEST_F(EventStoreTest, ABatchLargerThanTheQueueIsRefusedAlways) {
  options_.max_queued = 3;
  Open();
  const AppendResult result = AppendAndWait(
      store(),
      {Event("u", "a"), Event("u", "b"), Event("u", "c"), Event("u", "d")});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(AppendAndWait(store(), {Event("u", "a")}).ok());
}

// Holds the writer thread inside a callback until let go.
class HeldWriter {
 public:
  explicit HeldWriter(EventStore* store) {
    EXPECT_TRUE(store
                    ->Append({},
                             [this](AppendResult) {
                               held_.Notify();
                               let_go_.WaitForNotification();
                             })
                    .ok());
    held_.WaitForNotification();
  }
  void LetGo() { let_go_.Notify(); }

 private:
  absl::Notification held_;
  absl::Notification let_go_;
};

TEST_F(EventStoreTest, AFullQueueRefusesAndRecovers) {
  options_.max_queued = 4;
  Open();
  HeldWriter writer(store());
  std::atomic<int> answers{0};
  const auto count = [&](AppendResult result) {
    EXPECT_TRUE(result.ok());
    ++answers;
  };
  const std::vector<NewInteraction> two = {Event("u", "a"), Event("u", "b")};
  EXPECT_TRUE(store()->Append(two, count).ok());
  EXPECT_TRUE(store()->Append(two, count).ok());
  EXPECT_EQ(store()->stats().queued, 4u);
  EXPECT_EQ(store()->Append(two, count).code(),
            absl::StatusCode::kResourceExhausted);
  writer.LetGo();
  // Answers come in order, so this one is the last.
  while (true) {
    const AppendResult last = AppendAndWait(store(), {Event("u", "c")});
    if (last.ok()) break;
    ASSERT_EQ(last.status().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(answers, 2);
  EXPECT_EQ(state().interactions.size(), 5u);
}

TEST_F(EventStoreTest, WaitingBatchesShareOneWrite) {
  Open();
  HeldWriter writer(store());
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(store()
                    ->Append({Event(absl::StrCat("u", i), "a", "same")},
                             [i](AppendResult result) {
                               ASSERT_TRUE(result.ok());
                               EXPECT_EQ((*result)[0].duplicate, i > 0);
                               EXPECT_EQ((*result)[0].sequence, 1u);
                             })
                    .ok());
  }
  writer.LetGo();
  store()->Close();
  EXPECT_EQ(store()->stats().groups, 1u);
  EXPECT_EQ(store()->stats().appended, 1u);
  EXPECT_EQ(store()->stats().duplicates, 49u);
}

TEST_F(EventStoreTest, CloseFinishesWhatWasAccepted) {
  options_.max_group = 2;
  Open();
  std::atomic<size_t> answers{0};
  size_t accepted = 0;
  {
    HeldWriter writer(store());
    for (int i = 0; i < 20; ++i) {
      accepted += store()
                      ->Append({Event("u", absl::StrCat("i", i))},
                               [&](AppendResult result) {
                                 EXPECT_TRUE(result.ok());
                                 ++answers;
                               })
                      .ok();
    }
    std::thread closer([&] { store()->Close(); });
    while (store()->Append({}, [](const AppendResult&) {}).code() !=
           absl::StatusCode::kUnavailable) {
      std::this_thread::yield();
    }
    EXPECT_EQ(answers, 0u);
    writer.LetGo();
    closer.join();
  }
  EXPECT_EQ(accepted, 20u);
  EXPECT_EQ(answers, 20u);
  Reopen();
  EXPECT_EQ(state().interactions.size(), 20u);
}

TEST_F(EventStoreTest, ACallbackMayAppend) {
  Open();
  absl::Notification second;
  ASSERT_TRUE(store()
                  ->Append({Event("u", "a")},
                           [&](const AppendResult&) {
                             EXPECT_TRUE(store()
                                             ->Append({Event("u", "b")},
                                                      [&](const AppendResult&) {
                                                        second.Notify();
                                                      })
                                             .ok());
                           })
                  .ok());
  second.WaitForNotification();
  EXPECT_EQ(state().interactions.size(), 2u);
}

// What several callers append at once comes out gapless, in each caller's
// order, the same in memory and on disk.
TEST_F(EventStoreTest, ConcurrentAppendersKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kBatches = 100;
  constexpr int kBatchSize = 5;
  options_.max_group = 64;
  Open();
  std::vector<std::vector<model::Sequence>> sequences(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int b = 0; b < kBatches; ++b) {
        std::vector<NewInteraction> batch;
        for (int i = 0; i < kBatchSize; ++i) {
          batch.push_back(Event(absl::StrCat("user", t),
                                absl::StrCat("item", b * kBatchSize + i)));
        }
        // Written by the one writer thread, read after Close.
        ASSERT_TRUE(store()
                        ->Append(std::move(batch),
                                 [&, t](AppendResult result) {
                                   ASSERT_TRUE(result.ok());
                                   for (const Appended& a : *result) {
                                     sequences[t].push_back(a.sequence);
                                   }
                                 })
                        .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  store()->Close();
  std::vector<bool> given(kThreads * kBatches * kBatchSize + 1, false);
  for (const std::vector<model::Sequence>& of_thread : sequences) {
    ASSERT_EQ(of_thread.size(), size_t{kBatches * kBatchSize});
    EXPECT_TRUE(std::is_sorted(of_thread.begin(), of_thread.end()));
    for (const model::Sequence s : of_thread) {
      ASSERT_LT(s, given.size());
      EXPECT_FALSE(given[s]) << s;
      given[s] = true;
    }
  }
  const std::unique_ptr<model::State> before = std::move(opened_.state);
  Reopen();
  ASSERT_EQ(state().interactions.size(), before->interactions.size());
  std::vector<int> next(kThreads, 0);
  for (size_t i = 0; i < state().interactions.size(); ++i) {
    const model::Interaction& event = state().interactions.At(i);
    EXPECT_EQ(event.sequence, before->interactions.At(i).sequence);
    EXPECT_EQ(event.user, before->interactions.At(i).user);
    EXPECT_EQ(event.item, before->interactions.At(i).item);
    const int t = state().users.Name(event.user).back() - '0';
    EXPECT_EQ(state().items.Name(event.item), absl::StrCat("item", next[t]++));
  }
}

TEST_F(EventStoreTest, IdsHaveABoundThatReadingTheLogHasNot) {
  Open();
  ASSERT_TRUE(
      AppendAndWait(store(), {Event("u1", "a"), Event("u2", "b")}).ok());
  // Lowered below what there is: nothing that was acknowledged is lost.
  options_.ids = {/*max_users=*/1, /*max_items=*/2};
  Reopen();
  EXPECT_EQ(state().interactions.size(), 2u);
  EXPECT_EQ(state().users.size(), 2u);
  EXPECT_TRUE(AppendAndWait(store(), {Event("u2", "a")}).ok());
  const AppendResult user = AppendAndWait(store(), {Event("u3", "a")});
  EXPECT_EQ(FullOfIds(user.status()), FullOf::kUsers);
  const AppendResult item =
      AppendAndWait(store(), {Event("u1", "a"), Event("u1", "c")});
  EXPECT_EQ(FullOfIds(item.status()), FullOf::kItems);
  NewItem added;
  added.id = "c";
  EXPECT_EQ(FullOfIds(UpsertAndWait(store(), {added})), FullOf::kItems);
  added.id = "a";
  EXPECT_TRUE(UpsertAndWait(store(), {added}).ok());
  EXPECT_EQ(state().interactions.size(), 3u);
  options_.ids = {};
  Reopen();
  EXPECT_EQ(state().interactions.size(), 3u);
  EXPECT_EQ(state().users.size(), 2u);
  EXPECT_EQ(state().items.size(), 2u);
  EXPECT_TRUE(AppendAndWait(store(), {Event("u3", "c")}).ok());
}

}  // namespace
}  // namespace taud::store
