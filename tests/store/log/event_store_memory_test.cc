// The event store without memory: what was acknowledged is there, what was not
// is said, and it goes on.

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/log/event_store.h"
#include "tests/failing_new.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

// So many that nothing else allocates as many bytes as they do.
constexpr size_t kMany = 1009;

class EventStoreMemoryTest : public ::testing::Test {
 protected:
  EventStoreMemoryTest() { options_.directory = dir_ / "events"; }
  ~EventStoreMemoryTest() override { FailAllocationOf(0); }

  void Open() {
    opened_.store.reset();
    auto opened = OpenStore(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  EventStore* store() { return opened_.store.get(); }
  const model::Interactions& interactions() const {
    return opened_.state->interactions;
  }

  static std::vector<NewInteraction> Batch(const std::string& name,
                                           size_t size) {
    std::vector<NewInteraction> batch;
    for (size_t i = 0; i < size; ++i) {
      batch.push_back(
          Event("u", absl::StrCat("i", i), absl::StrCat(name, "-", i)));
    }
    return batch;
  }
  // What ApplyEvents asks for, for a group of kMany.
  static void FailToApply() {
    FailAllocationOf(kMany * sizeof(model::Interaction));
  }

  TempDir dir_;
  EventStore::Options options_;
  OpenedStore opened_;
};

TEST_F(EventStoreMemoryTest, WhatCannotBeAppliedIsSaidAndReadAgain) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(AppendAndWait(store(), Batch("first", 3)).ok());
  FailToApply();
  const AppendResult failed = AppendAndWait(store(), Batch("many", kMany));
  ASSERT_TRUE(AllocationFailed());
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(failed.status().message(), HasSubstr("try again"));
  EXPECT_EQ(interactions().size(), 3u);
  EXPECT_THAT(store()->stats().refusing, HasSubstr("into memory"));
  EXPECT_EQ(store()->stats().write_errors, 1u);

  // Sent again, nothing is there twice.
  const AppendResult again = AppendAndWait(store(), Batch("many", kMany));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->front().duplicate);
  EXPECT_EQ(again->front().sequence, 4u);
  EXPECT_EQ(interactions().size(), 3 + kMany);
  const AppendResult next = AppendAndWait(store(), Batch("next", 1));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->front().sequence, 3 + kMany + 1);
  EXPECT_EQ(store()->stats().refusing, "");

  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(interactions().size(), 3 + kMany + 1);
}

TEST_F(EventStoreMemoryTest, ItComesBackWithoutAWrite) {
  ASSERT_NO_FATAL_FAILURE(Open());
  FailToApply();
  ASSERT_FALSE(AppendAndWait(store(), Batch("many", kMany)).ok());
  EXPECT_NE(store()->stats().refusing, "");
  ASSERT_TRUE(store()->CheckWritable().ok());
  EXPECT_EQ(store()->stats().refusing, "");
  EXPECT_EQ(interactions().size(), kMany);
  EXPECT_EQ(interactions().last_sequence(), kMany);
}

// While the writer is held, so that it hands them over to the applier.
TEST_F(EventStoreMemoryTest, WhatIsWrittenBehindItKeepsItsPlace) {
  options_.max_group = kMany;
  ASSERT_NO_FATAL_FAILURE(Open());
  absl::Notification held;
  absl::Notification let_go;
  ASSERT_TRUE(store()
                  ->Append({},
                           [&](AppendResult) {
                             held.Notify();
                             let_go.WaitForNotification();
                           })
                  .ok());
  held.WaitForNotification();
  std::promise<AppendResult> answers[3];
  const size_t sizes[3] = {kMany, 5, 7};
  for (int b = 0; b < 3; ++b) {
    ASSERT_TRUE(store()
                    ->Append(Batch(absl::StrCat("batch", b), sizes[b]),
                             [&answers, b](AppendResult result) {
                               answers[b].set_value(std::move(result));
                             })
                    .ok());
  }
  FailToApply();
  let_go.Notify();
  EXPECT_FALSE(answers[0].get_future().get().ok());
  for (int b = 1; b < 3; ++b) {
    const AppendResult result = answers[b].get_future().get();
    // What is acknowledged is there, and so is what came before it.
    if (result.ok()) {
      EXPECT_GE(interactions().last_sequence(), result->back().sequence);
      EXPECT_EQ(interactions().size(), interactions().last_sequence());
    } else {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
    }
  }
  ASSERT_TRUE(store()->CheckWritable().ok());
  ASSERT_EQ(interactions().size(), kMany + 12);
  for (size_t p = 0; p < interactions().size(); ++p) {
    ASSERT_EQ(interactions().At(p).sequence, p + 1);
  }
}

TEST_F(EventStoreMemoryTest, ErasureReadsWhatIsMissingBefore) {
  ASSERT_NO_FATAL_FAILURE(Open());
  FailToApply();
  ASSERT_FALSE(AppendAndWait(store(), Batch("many", kMany)).ok());
  std::promise<absl::StatusOr<Erasure>> erased;
  ASSERT_TRUE(store()
                  ->Erase(ErasureSubject::kItem, "i3", "",
                          [&](absl::StatusOr<Erasure> erasure) {
                            erased.set_value(std::move(erasure));
                          })
                  .ok());
  const auto erasure = erased.get_future().get();
  ASSERT_TRUE(erasure.ok()) << erasure.status();
  EXPECT_EQ(erasure->record.sequence, kMany);
  EXPECT_EQ(interactions().size(), kMany);
}

TEST_F(EventStoreMemoryTest, CallbacksThatThrowEndNothing) {
  ASSERT_NO_FATAL_FAILURE(Open());
  absl::Notification called;
  ASSERT_TRUE(store()
                  ->Append(Batch("one", 1),
                           [&](AppendResult) {
                             called.Notify();
                             throw std::bad_alloc();
                           })
                  .ok());
  called.WaitForNotification();
  ASSERT_TRUE(AppendAndWait(store(), Batch("two", 1)).ok());
  EXPECT_EQ(interactions().size(), 2u);
}

TEST_F(EventStoreMemoryTest, AListenerThatThrowsFailsNoWrite) {
  opened_.state = std::make_unique<model::State>();
  auto store = EventStore::Open(options_, opened_.state.get());
  ASSERT_TRUE(store.ok()) << store.status();
  EventStore::Listener listener;
  listener.room = [] { throw std::runtime_error("no room"); };
  (*store)->SetListener(std::move(listener));
  ASSERT_TRUE((*store)->Replay(nullptr).ok());
  opened_.store = *std::move(store);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        AppendAndWait(opened_.store.get(), Batch(absl::StrCat("b", i), 2))
            .ok());
  }
}

TEST_F(EventStoreMemoryTest, ALogThatCannotBeReadFailsTheStart) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(AppendAndWait(store(), Batch("some", 20)).ok());
  opened_.store.reset();
  // A block of the replay.
  FailAllocationOf(65536 * sizeof(model::Interaction));
  const auto failed = OpenStore(options_);
  ASSERT_TRUE(AllocationFailed());
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted);
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(interactions().size(), 20u);
}

// Whichever of the caller's allocations fails: either nothing was taken and
// nobody is called, or it is answered once, and is there.
TEST_F(EventStoreMemoryTest, HandingOverTakesAllOrNothing) {
  ASSERT_NO_FATAL_FAILURE(Open());
  size_t taken = 0;
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    EventStore::Batch batch;
    batch.interactions = Batch(absl::StrCat("batch", round), 2);
    auto answer = std::make_shared<std::promise<AppendResult>>();
    EventStore::AppendDone done = [answer](AppendResult result) {
      answer->set_value(std::move(result));  // throws at the second call
    };
    // Not every one needs memory: the queue gets its own by the piece.
    FailAllocation(1 + round % 3);
    const absl::Status status = store()->TryAppend(&batch, std::move(done));
    FailAllocation(0);
    auto future = answer->get_future();
    if (status.ok()) {
      const AppendResult result = future.get();
      ASSERT_TRUE(result.ok()) << result.status();
      taken += 2;
    } else {
      ++refused;
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(batch.interactions.size(), 2u);
      EXPECT_EQ(future.wait_for(std::chrono::seconds(0)),
                std::future_status::timeout);
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(interactions().size(), taken);
  EXPECT_EQ(store()->stats().queued, 0u);
}

}  // namespace
}  // namespace taud::store
