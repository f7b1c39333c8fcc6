// What the event store forgets: erased ids, expired event ids, and what it
// holds of streams.

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/log/event_store.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_erasure_testing.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

// --- Event ids --------------------------------------------------------------

TEST_F(EventStoreErasureTest, EventIdsAreKnownForTheWindow) {
  options_.dedup_window_ms = kDay;
  Open();
  ASSERT_FALSE((*Append({Event("u", "a", "e")}))[0].duplicate);
  clock_.Pass(kDay);
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
  Close();
  clock_.Pass(1);
  Open();
  const AppendResult again = Append({Event("u", "a", "e")});
  EXPECT_FALSE((*again)[0].duplicate);
  EXPECT_EQ((*again)[0].sequence, 2u);
  // Known from its second acceptance on.
  clock_.Pass(kDay);
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
}

TEST_F(EventStoreErasureTest, AClockThatJumpsDoesNotExpireEventIds) {
  options_.dedup_window_ms = kDay;
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e")}).ok());
  clock_.wall_ms += 1000 * kDay;
  clock_.steady_ms += 1000;
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
  clock_.wall_ms -= 2000 * kDay;
  clock_.steady_ms += 1000;
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
  Close();
  Open();
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
}

// --- Streams ----------------------------------------------------------------

TEST_F(EventStoreErasureTest, AStreamGoesOnWhereItWasWritten) {
  Open();
  EXPECT_EQ(Stream("s").position, 0u);
  ASSERT_TRUE(AppendToStream("s", 10, {Event("u", "a"), Event("u", "b")}).ok());
  ASSERT_TRUE(AppendToStream("other", 3, {Event("v", "a")}).ok());
  EXPECT_EQ(Stream("s").position, 10u);
  EXPECT_EQ(Stream("s").sequence, 2u);
  Close();
  Open();
  EXPECT_EQ(Stream("s").position, 10u);
  // Sent again: nothing is written, and the answer says so.
  const AppendResult again =
      AppendToStream("s", 10, {Event("u", "a"), Event("u", "b")});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE((*again)[0].duplicate);
  EXPECT_TRUE((*again)[1].duplicate);
  EXPECT_EQ((*again)[1].sequence, 2u);
  EXPECT_EQ(state().interactions.size(), 3u);
  EXPECT_FALSE((*AppendToStream("s", 11, {Event("u", "c")}))[0].duplicate);
  EXPECT_EQ(Stream("s").position, 11u);
}

TEST_F(EventStoreErasureTest, ARepeatedBatchOfAStreamTakesNoEventIds) {
  Open();
  ASSERT_TRUE(AppendToStream("s", 5, {Event("u", "a")}).ok());
  ASSERT_TRUE(AppendToStream("s", 4, {Event("u", "b", "e")}).ok());
  const AppendResult first = Append({Event("u", "b", "e")});
  EXPECT_FALSE((*first)[0].duplicate);
  EXPECT_EQ((*first)[0].sequence, 2u);
}

// --- Erasures ---------------------------------------------------------------

TEST_F(EventStoreErasureTest, AnErasedUserIsNobodyAndThenSomebodyNew) {
  Open();
  ASSERT_TRUE(Append({Event("alice", "a"), Event("bob", "a")}).ok());
  const auto erasure = Erase(ErasureSubject::kUser, "alice");
  ASSERT_TRUE(erasure.ok()) << erasure.status();
  EXPECT_EQ(erasure->record.index, 0u);
  EXPECT_EQ(erasure->record.sequence, 2u);
  EXPECT_FALSE(state().users.Find("alice").has_value());
  EXPECT_EQ(Erase(ErasureSubject::kUser, "alice").status().code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(Append({Event("alice", "b")}).ok());
  EXPECT_EQ(state().users.Find("alice"), 2u);
  EXPECT_FALSE(HasSeen(state().interactions, 2, 0));
  Close();
  Open();
  // Its old interactions are still to be removed, and do not come back.
  EXPECT_EQ(state().users.Find("alice"), 2u);
  EXPECT_TRUE(state().users.IsErased(0));
  EXPECT_EQ(state().interactions.size(), 2u);
  EXPECT_EQ(state().interactions.ItemCount(0), 1u);
  ASSERT_EQ(store()->PendingErasures().size(), 1u);
  EXPECT_EQ(store()->PendingErasures()[0].id, erasure->id);
}

TEST_F(EventStoreErasureTest, TheSameErasureIdGivesTheSameReceipt) {
  Open();
  ASSERT_TRUE(Append({Event("alice", "a")}).ok());
  const auto first = Erase(ErasureSubject::kUser, "alice", "ticket 7");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->id, "ticket 7");
  const auto second = Erase(ErasureSubject::kUser, "alice", "ticket 7");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->record.requested_ms, first->record.requested_ms);
  EXPECT_EQ(store()->FindErasure("ticket 8").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(EventStoreErasureTest, AnErasureIdOfSomebodyElseIsRefused) {
  Open();
  ASSERT_TRUE(Append({Event("alice", "a"), Event("bob", "a")}).ok());
  ASSERT_TRUE(Erase(ErasureSubject::kUser, "alice", "ticket 7").ok());
  const auto other = Erase(ErasureSubject::kUser, "bob", "ticket 7");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("ticket 7"));
  EXPECT_EQ(Erase(ErasureSubject::kItem, "a", "ticket 7").status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(state().users.Find("bob").has_value());
  EXPECT_TRUE(state().items.Find("a").has_value());
  // Somebody new, whom the first call did not mean.
  ASSERT_TRUE(Append({Event("alice", "a")}).ok());
  EXPECT_EQ(Erase(ErasureSubject::kUser, "alice", "ticket 7").status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(state().users.Find("alice").has_value());
}

TEST_F(EventStoreErasureTest, SequencesDoNotGoBackWhenTheLastOneIsErased) {
  Open();
  ASSERT_TRUE(Append({Event("alice", "a"), Event("bob", "a")}).ok());
  ASSERT_EQ((*Append({Event("carol", "b")}))[0].sequence, 3u);
  std::vector<Erasure> erasures = {*Erase(ErasureSubject::kUser, "carol")};
  ASSERT_TRUE(store()->EraseFromLog(&erasures).ok());
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 2u);
  // What was acknowledged is not beyond the log.
  EXPECT_EQ(state().interactions.last_sequence(), 3u);
  EXPECT_EQ((*Append({Event("bob", "b")}))[0].sequence, 4u);
  EXPECT_EQ(state().interactions.last_sequence(), 4u);
}

TEST_F(EventStoreErasureTest, NothingErasedIsLeftInAnyFile) {
  Open();
  const auto event = [](int i) { return Name(absl::StrCat("event", i)); };
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        Append({Event(Name(absl::StrCat("user", i % 7)), "thing", event(i)),
                Event(Name("user3"), Name("item"))})
            .ok());
  }
  NewItem item;
  item.id = Name("item");
  item.record.title = Name("title");
  item.record.properties = {{"brand", Name("brand")}};
  ASSERT_TRUE(UpsertAndWait(store(), {item}).ok());
  NewUser user;
  user.id = Name("user3");
  user.properties = {{"street", Name("street")}};
  std::promise<absl::Status> upserted;
  ASSERT_TRUE(store()
                  ->UpsertUsers({user},
                                [&](absl::Status status) {
                                  upserted.set_value(std::move(status));
                                })
                  .ok());
  ASSERT_TRUE(upserted.get_future().get().ok());
  // Clients make the ids of streams of those of users.
  const std::string stream = absl::StrCat("stream-of-", Name("user3"));
  ASSERT_TRUE(AppendToStream(stream, 7, {Event("other", "thing")}).ok());
  EXPECT_EQ(Stream(stream).position, 7u);
  EXPECT_FALSE(OnDisk("stream-of-"));
  std::vector<Erasure> erasures = {*Erase(ErasureSubject::kUser, Name("user3")),
                                   *Erase(ErasureSubject::kItem, Name("item"))};
  for (const std::string& text :
       {Name("user3"), event(3), Name("item"), Name("title"), Name("brand"),
        Name("street")}) {
    EXPECT_TRUE(OnDisk(text)) << "the look at the bytes finds nothing";
  }
  const absl::Status status = store()->EraseFromLog(&erasures);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(erasures[0].record.interactions, 29u + 200u);
  for (const std::string& text :
       {Name("user3"), event(3), event(3 + 7 * 20), Name("item"), Name("title"),
        Name("brand"), Name("street")}) {
    EXPECT_FALSE(OnDisk(text)) << text;
  }
  EXPECT_TRUE(OnDisk(Name("user2")));
  EXPECT_TRUE(OnDisk(event(2)));
  // Its event ids are free again.
  EXPECT_FALSE((*Append({Event("x", "thing", event(3))}))[0].duplicate);
  EXPECT_TRUE((*Append({Event("x", "thing", event(2))}))[0].duplicate);
  erasures[0].record.gone(ErasedCopy::kLog) = 5;
  ASSERT_TRUE(store()->WriteReceipts(erasures).ok());
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), 171u + 1u + 1u);
  EXPECT_EQ(Stream(stream).position, 7u);
  EXPECT_EQ(store()->FindErasure(erasures[0].id)->record.gone_ms[1], 5);
}

TEST_F(EventStoreErasureTest, AnEventIdThatCameAgainIsNotFreed) {
  Open();
  options_.dedup_window_ms = kDay;
  Close();
  Open();
  ASSERT_TRUE(Append({Event("alice", "a", "e")}).ok());
  clock_.Pass(2 * kDay);
  ASSERT_FALSE((*Append({Event("bob", "a", "e")}))[0].duplicate);
  std::vector<Erasure> erasures = {*Erase(ErasureSubject::kUser, "alice")};
  ASSERT_TRUE(store()->EraseFromLog(&erasures).ok());
  EXPECT_TRUE((*Append({Event("bob", "a", "e")}))[0].duplicate);
}

}  // namespace
}  // namespace taud::store
