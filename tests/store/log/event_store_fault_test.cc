// The event store when the environment fails it: writes, syncs, kills, a full
// disk.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/log/event_store.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_fault_testing.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/log/fault_file_system.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

// --- Failing writes ---------------------------------------------------------

TEST_F(EventStoreFaultTest, AFailedGroupChangesNothing) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e1")}).ok());
  files_->Set(Fault::kNoSpace);
  const AppendResult failed = Append({Event("v", "b", "e2")});
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted)
      << failed.status();
  EXPECT_THAT(std::string(failed.status().message()),
              HasSubstr(options_.directory));
  NewItem item;
  item.id = "c";
  EXPECT_FALSE(UpsertAndWait(opened_.store.get(), {item}).ok());
  EXPECT_EQ(state().users.size(), 1u);
  EXPECT_EQ(state().items.size(), 1u);
  EXPECT_EQ(state().interactions.size(), 1u);
  EXPECT_EQ(state().catalogue.num_records(), 0u);
  const EventStore::Stats stats = opened_.store->stats();
  EXPECT_EQ(stats.last_sequence, 1u);
  EXPECT_EQ(stats.write_errors, 2u);
  EXPECT_EQ(stats.appended, 1u);
}

TEST_F(EventStoreFaultTest, ComesBackWhenThereIsSpaceAgain) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e1")}).ok());
  files_->Set(Fault::kNoSpace);
  EXPECT_FALSE(Append({Event("v", "b", "e2")}).ok());
  EXPECT_FALSE(Append({Event("v", "b", "e2")}).ok());
  files_->Set(Fault::kNone);
  const AppendResult retried =
      Append({Event("v", "b", "e2"), Event("u", "a", "e1")});
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ((*retried)[0].sequence, 2u);
  EXPECT_FALSE((*retried)[0].duplicate);
  EXPECT_TRUE((*retried)[1].duplicate);
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 2u);
  EXPECT_EQ(state().users.Name(1), "v");
}

// After a failed sync nobody can know whether the write is in the log. The
// retry must be exact, and memory must agree with the disk, either way.
TEST_F(EventStoreFaultTest, AFailedSyncIsSettledBeforeTheNextGroup) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e1")}).ok());
  files_->Set(Fault::kSync);
  const AppendResult failed = Append({Event("v", "b", "e2")});
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable)
      << failed.status();
  EXPECT_EQ(state().interactions.size(), 1u);
  EXPECT_EQ(state().users.size(), 1u);
  files_->Set(Fault::kNone);
  ASSERT_TRUE(Append({Event("v", "b", "e2"), Event("w", "c", "e3")}).ok());
  ASSERT_TRUE(Append({Event("w", "d")}).ok());
  EXPECT_EQ(state().interactions.size(), 4u);
  EXPECT_EQ(state().users.size(), 3u);
  const std::unique_ptr<model::State> before = std::move(opened_.state);
  Close();
  Open();
  ASSERT_EQ(state().interactions.size(), before->interactions.size());
  for (size_t i = 0; i < state().interactions.size(); ++i) {
    EXPECT_EQ(state().interactions.At(i).sequence,
              before->interactions.At(i).sequence);
    EXPECT_EQ(state().interactions.At(i).user, before->interactions.At(i).user);
    EXPECT_EQ(state().interactions.At(i).item, before->interactions.At(i).item);
  }
  for (uint32_t u = 0; u < 3; ++u) {
    EXPECT_EQ(state().users.Name(u), before->users.Name(u));
  }
}

TEST_F(EventStoreFaultTest, KeepsFailingClearlyWhileTheDiskIsGone) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  files_->Set(Fault::kAll);
  for (int i = 0; i < 3; ++i) {
    const AppendResult failed = Append({Event("u", "b", "e")});
    EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable)
        << failed.status();
  }
  EXPECT_EQ(state().interactions.size(), 1u);
  files_->Set(Fault::kNone);
  const AppendResult retried = Append({Event("u", "b", "e")});
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(state().interactions.size(), 2u);
}

TEST_F(EventStoreFaultTest, ClosesWithAFailedWriteBehindIt) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  files_->Set(Fault::kAll);
  EXPECT_FALSE(Append({Event("u", "b")}).ok());
  Close();
  files_->Set(Fault::kNone);
  Open();
  EXPECT_TRUE(HasSeen(state().interactions, 0, 0));
}

// --- Kills ------------------------------------------------------------------

// What the child reports for every acknowledged event.
struct Ack {
  uint64_t number;  // of the event, in the order of the child's appends
  uint64_t sequence;
};

// Appends numbered events until `kill_after` are acknowledged, reporting each
// ack, and dies in the middle of everything. Does not return.
[[noreturn]] void AppendUntilKilled(const EventStore::Options& options,
                                    uint64_t first, uint64_t kill_after,
                                    int report) {
  absl::StatusOr<OpenedStore> opened = OpenStore(options);
  if (!opened.ok()) _exit(3);
  uint64_t acknowledged = 0;
  for (uint64_t n = first;; ++n) {
    const std::string number = absl::StrCat(n);
    const absl::Status status = opened->store->Append(
        {Event(absl::StrCat("u", n % 7), absl::StrCat("i", n),
               absl::StrCat("e", n))},
        [&acknowledged, n, kill_after, report](AppendResult result) {
          if (!result.ok()) _exit(4);
          const Ack ack = {n, (*result)[0].sequence};
          if (write(report, &ack, sizeof(ack)) != sizeof(ack)) _exit(5);
          if (++acknowledged == kill_after) kill(getpid(), SIGKILL);
        });
    if (absl::IsResourceExhausted(status)) {
      --n;
      continue;
    }
    if (!status.ok()) _exit(6);
  }
}

std::vector<Ack> RunUntilKilled(const EventStore::Options& options,
                                uint64_t first, uint64_t kill_after) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    AppendUntilKilled(options, first, kill_after, ends[1]);
  }
  close(ends[1]);
  std::vector<Ack> acks;
  Ack ack;
  while (read(ends[0], &ack, sizeof(ack)) == sizeof(ack)) acks.push_back(ack);
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  return acks;
}

TEST_F(EventStoreFaultTest, EveryAcknowledgedEventSurvivesKills) {
  options_.env = nullptr;
  options_.max_queued = 256;
  options_.max_group = 32;
  std::vector<Ack> acks;
  uint64_t first = 0;
  for (const uint64_t kill_after : {1, 5, 100, 333, 1000}) {
    const std::vector<Ack> more = RunUntilKilled(options_, first, kill_after);
    ASSERT_EQ(more.size(), kill_after);
    acks.insert(acks.end(), more.begin(), more.end());
    first += 100000;
  }
  Open();
  const model::Interactions& interactions = state().interactions;
  ASSERT_GE(interactions.size(), acks.size());
  std::vector<model::Interaction> by_sequence(interactions.last_sequence() + 1);
  for (size_t i = 0; i < interactions.size(); ++i) {
    by_sequence[interactions.At(i).sequence] = interactions.At(i);
  }
  for (const Ack& ack : acks) {
    ASSERT_LT(ack.sequence, by_sequence.size());
    const model::Interaction& event = by_sequence[ack.sequence];
    ASSERT_EQ(event.sequence, ack.sequence) << "lost";
    EXPECT_EQ(state().items.Name(event.item), absl::StrCat("i", ack.number));
    EXPECT_EQ(state().users.Name(event.user),
              absl::StrCat("u", ack.number % 7));
  }
  // And its event id: a retry is recognised.
  std::vector<NewInteraction> retries;
  for (const Ack& ack : acks) {
    retries.push_back(Event("u", "i", absl::StrCat("e", ack.number)));
  }
  Close();
  options_.max_queued = 65536;
  Open();
  const AppendResult retried = Append(retries);
  ASSERT_TRUE(retried.ok());
  for (size_t i = 0; i < acks.size(); ++i) {
    EXPECT_TRUE((*retried)[i].duplicate);
    EXPECT_EQ((*retried)[i].sequence, acks[i].sequence);
  }
}

// Items that leave the queue make room, too: whoever waits is told.
TEST_F(EventStoreFaultTest, RoomIsOfferedWhateverMadeIt) {
  options_.max_queued = 1;
  opened_.state = std::make_unique<model::State>();
  auto store = EventStore::Open(options_, opened_.state.get());
  ASSERT_TRUE(store.ok()) << store.status();
  opened_.store = *std::move(store);
  std::atomic<int> offers{0};
  std::promise<AppendResult> written;
  const auto try_append = [&] {
    return opened_.store->Append({Event("u", "a")}, [&](AppendResult result) {
      written.set_value(std::move(result));
    });
  };
  std::atomic<bool> waits{false};
  EventStore::Listener listener;
  listener.room = [&] {
    ++offers;
    if (waits.exchange(false) && !try_append().ok()) waits = true;
  };
  opened_.store->SetListener(std::move(listener));
  ASSERT_TRUE(opened_.store->Replay(nullptr).ok());
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  ASSERT_TRUE(
      opened_.store->FindStream("s", [gone](auto) { gone.wait(); }).ok());
  NewItem item;
  item.id = "c";
  ASSERT_TRUE(
      opened_.store->UpsertItems({item}, [](const absl::Status&) {}).ok());
  EXPECT_TRUE(IsQueueFull(try_append()));
  waits = true;
  go.set_value();
  EXPECT_TRUE(written.get_future().get().ok());
  Close();
  EXPECT_EQ(offers, 3);
}

TEST_F(EventStoreFaultTest, AnErasureThatReachedTheLogIsFoundAgain) {
  opened_.state = std::make_unique<model::State>();
  auto store = EventStore::Open(options_, opened_.state.get());
  ASSERT_TRUE(store.ok()) << store.status();
  opened_.store = *std::move(store);
  std::atomic<int> found{0};
  EventStore::Listener listener;
  listener.erasure_found = [&] { ++found; };
  opened_.store->SetListener(std::move(listener));
  ASSERT_TRUE(opened_.store->Replay(nullptr).ok());
  ASSERT_TRUE(Append({Event("alice", "a"), Event("bob", "a")}).ok());
  files_->Set(Fault::kSync);
  std::promise<absl::StatusOr<Erasure>> answer;
  ASSERT_TRUE(
      opened_.store
          ->Erase(ErasureSubject::kUser, "alice", "ticket",
                  [&](auto erasure) { answer.set_value(std::move(erasure)); })
          .ok());
  const auto erasure = answer.get_future().get();
  files_->Set(Fault::kNone);
  ASSERT_TRUE(Append({Event("carol", "a")}).ok());
  // Told at once, or found by the store when it came back: never forgotten.
  EXPECT_FALSE(state().users.Find("alice").has_value());
  EXPECT_EQ(opened_.store->PendingErasures().size(), 1u);
  EXPECT_TRUE(erasure.ok() || found == 1) << erasure.status();
}

TEST_F(EventStoreFaultTest, AFullDiskIsServedFromAndWrittenToWhenThereIsRoom) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e1")}).ok());
  const std::string killed = CopyAsKilled(options_.directory, dir_ / "killed");
  Close();
  options_.directory = killed;
  files_->Set(Fault::kFull);
  Open();
  EXPECT_EQ(state().interactions.size(), 1u);
  EXPECT_TRUE(state().users.Find("u").has_value());
  EXPECT_EQ(opened_.store->CheckWritable().code(),
            absl::StatusCode::kResourceExhausted);
  for (int i = 0; i < 2; ++i) {
    const AppendResult refused = Append({Event("u", "b", "e2")});
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted)
        << refused.status();
    EXPECT_THAT(opened_.store->stats().refusing, HasSubstr("No space"));
  }
  EXPECT_FALSE(opened_.store->CheckWritable().ok());
  files_->Set(Fault::kNone);
  // It comes back by being asked, and then says so.
  EXPECT_TRUE(opened_.store->CheckWritable().ok());
  EXPECT_EQ(opened_.store->stats().refusing, "");
  const AppendResult written =
      Append({Event("u", "b", "e2"), Event("u", "a", "e1")});
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ((*written)[0].sequence, 2u);
  EXPECT_TRUE((*written)[1].duplicate);
  // The same while it runs.
  files_->Set(Fault::kFull);
  EXPECT_FALSE(Append({Event("u", "c")}).ok());
  EXPECT_FALSE(opened_.store->CheckWritable().ok());
  EXPECT_EQ(state().interactions.size(), 2u);
  files_->Set(Fault::kNone);
  EXPECT_TRUE(opened_.store->CheckWritable().ok());
  EXPECT_TRUE(Append({Event("u", "d")}).ok());
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 3u);
}

// Numbers of events that are gone are not given again.
TEST_F(EventStoreFaultTest, SequencesAreNeverReused) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a"), Event("u", "b")}).ok());
  Close();
  Delete(Family::kEvents, KeyOf(2));
  Open();
  EXPECT_EQ(state().interactions.size(), 1u);
  EXPECT_EQ(opened_.store->stats().last_sequence, 2u);
  const AppendResult result = Append({Event("u", "c")});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)[0].sequence, 3u);
}

}  // namespace
}  // namespace taud::store
