// What the event store forgets: erased ids, expired event ids, old events, and
// what it holds of streams.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_options.h"
#include "store/log/event_store.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

// The machine with a clock of the test's.
class ClockEnv : public rocksdb::EnvWrapper {
 public:
  ClockEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  const char* Name() const override { return "ClockEnv"; }
  uint64_t NowMicros() override {
    return static_cast<uint64_t>(wall_ms.load()) * 1000;
  }
  uint64_t NowNanos() override {
    return static_cast<uint64_t>(steady_ms.load()) * 1000000;
  }
  void Pass(int64_t ms) {
    wall_ms += ms;
    steady_ms += ms;
  }
  std::atomic<int64_t> wall_ms{1700000000000};
  std::atomic<int64_t> steady_ms{1000};
};

constexpr int64_t kDay = int64_t{24} * 60 * 60 * 1000;

class EventStoreErasureTest : public ::testing::Test {
 protected:
  EventStoreErasureTest() {
    options_.directory = dir_ / "log";
    options_.env = &clock_;
  }
  void Open() {
    absl::StatusOr<OpenedStore> opened = OpenStore(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  void Close() { opened_.store.reset(); }
  EventStore* store() { return opened_.store.get(); }
  const model::State& state() const { return *opened_.state; }
  AppendResult Append(std::vector<NewInteraction> batch) {
    return AppendAndWait(store(), std::move(batch));
  }
  AppendResult AppendToStream(const std::string& stream, uint64_t position,
                              std::vector<NewInteraction> interactions) {
    EventStore::Batch batch;
    batch.interactions = std::move(interactions);
    batch.stream_id = stream;
    batch.position = position;
    std::promise<AppendResult> promise;
    auto answer = promise.get_future();
    absl::Status status =
        store()->TryAppend(&batch, [&promise](AppendResult result) {
          promise.set_value(std::move(result));
        });
    if (!status.ok()) return status;
    return answer.get();
  }
  EventStore::StreamPosition Stream(const std::string& stream) {
    std::promise<absl::StatusOr<EventStore::StreamPosition>> promise;
    auto answer = promise.get_future();
    EXPECT_TRUE(store()
                    ->FindStream(stream,
                                 [&promise](auto position) {
                                   promise.set_value(std::move(position));
                                 })
                    .ok());
    const auto position = answer.get();
    EXPECT_TRUE(position.ok()) << position.status();
    return position.ok() ? *position : EventStore::StreamPosition{};
  }
  absl::StatusOr<Erasure> Erase(ErasureSubject subject, const std::string& id,
                                const std::string& erasure_id = "") {
    std::promise<absl::StatusOr<Erasure>> promise;
    auto answer = promise.get_future();
    absl::Status status = store()->Erase(
        subject, id, erasure_id,
        [&promise](auto erasure) { promise.set_value(std::move(erasure)); });
    if (!status.ok()) return status;
    return answer.get();
  }
  // Whether any file of the store contains `text`.
  bool OnDisk(const std::string& text) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(options_.directory)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::ostringstream bytes;
      bytes << file.rdbuf();
      if (bytes.str().find(text) != std::string::npos) return true;
    }
    return false;
  }

  TempDir dir_;
  ClockEnv clock_;
  EventStore::Options options_;
  OpenedStore opened_;
};

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

// A name that no compression can take apart, so that a look at the bytes finds
// it wherever it is.
std::string Name(const std::string& of) {
  const EventIdKey hash = HashEventId(of, 1);
  return absl::BytesToHexString(absl::string_view(hash.data(), hash.size()));
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

// --- Retention and space ----------------------------------------------------

TEST_F(EventStoreErasureTest, OldEventsGoButNoneThatIsNeeded) {
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

TEST_F(EventStoreErasureTest, AnAgeBeyondTheStoresTimeDeletesNothing) {
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

TEST_F(EventStoreErasureTest, TheOldestTablesGoWhenThereAreTooManyBytes) {
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

TEST_F(EventStoreErasureTest, NothingIsTakenInWhenTheDiskIsNearlyFull) {
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

TEST_F(EventStoreErasureTest, TheQueueIsBoundedInBytes) {
  options_.max_queued_bytes = 2000;
  Open();
  const std::string long_id(250, 'x');
  const AppendResult large =
      Append(std::vector<NewInteraction>(10, Event(long_id, long_id)));
  EXPECT_EQ(large.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(large.status().message()), HasSubstr("bytes"));
  EXPECT_TRUE(Append({Event(long_id, long_id)}).ok());
}

// --- Copies and older formats ----------------------------------------------

TEST_F(EventStoreErasureTest, ACopyIsAStoreOfItsOwn) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "e")}).ok());
  const std::string copy = dir_ / "copy";
  ASSERT_TRUE(store()->CopyTo(copy).ok());
  ASSERT_TRUE(Append({Event("u", "b")}).ok());
  Close();
  options_.directory = copy;
  Open();
  EXPECT_EQ(state().interactions.size(), 1u);
  EXPECT_TRUE((*Append({Event("u", "a", "e")}))[0].duplicate);
}

// Format 1 had the event ids as keys and events without them.
TEST_F(EventStoreErasureTest, ADirectoryOfFormatOneIsMigrated) {
  {
    rocksdb::DBOptions db_options = MakeDbOptions(nullptr);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : {"default", "events", "event_ids", "users", "items",
                             "catalogue", "meta"}) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    std::filesystem::create_directories(options_.directory);
    ASSERT_TRUE(rocksdb::DB::Open(db_options, options_.directory, families,
                                  &handles, &db)
                    .ok());
    const auto put = [&](int family, rocksdb::Slice key, rocksdb::Slice value) {
      ASSERT_TRUE(
          db->Put({}, handles[static_cast<size_t>(family)], key, value).ok());
    };
    const auto slice = [](const auto& bytes) {
      return rocksdb::Slice(bytes.data(), bytes.size());
    };
    std::string value;
    EncodeName("u", &value);
    put(3, slice(EncodeIndexKey(0)), value);
    value.clear();
    EncodeName("i", &value);
    put(4, slice(EncodeIndexKey(0)), value);
    for (uint64_t sequence = 1; sequence <= 10000; ++sequence) {
      value.clear();
      EncodeEvent(model::Interaction{}, "", &value);
      put(1, slice(EncodeSequenceKey(sequence)), value);
      put(2, absl::StrFormat("event-number-%d", sequence),
          slice(EncodeEventId({sequence, clock_.wall_ms})));
    }
    put(6, "last_sequence", slice(EncodeSequenceKey(10000)));
    put(6, "format_version", "1");
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  Open();
  EXPECT_EQ(state().interactions.size(), 10000u);
  const AppendResult again = Append({Event("u", "i", "event-number-9999"),
                                     Event("u", "i", "event-number-10001")});
  EXPECT_TRUE((*again)[0].duplicate);
  EXPECT_EQ((*again)[0].sequence, 9999u);
  EXPECT_FALSE((*again)[1].duplicate);
  Close();
  Open();
  // The events know their ids: an erasure finds them.
  std::vector<Erasure> erasures = {*Erase(ErasureSubject::kUser, "u")};
  ASSERT_TRUE(store()->EraseFromLog(&erasures).ok());
  EXPECT_FALSE(OnDisk("event-number-"));
  EXPECT_FALSE((*Append({Event("u", "i", "event-number-9999")}))[0].duplicate);
}

// Of a taud that knew no properties of users and kept the names of streams.
TEST_F(EventStoreErasureTest, AnOlderDirectoryIsReadAndWritten) {
  {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (int f = 0; f < static_cast<int>(Family::kUserProperties); ++f) {
      families.emplace_back(FamilyName(static_cast<Family>(f)),
                            rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    std::filesystem::create_directories(options_.directory);
    ASSERT_TRUE(rocksdb::DB::Open(MakeDbOptions(nullptr), options_.directory,
                                  families, &handles, &db)
                    .ok());
    const auto put = [&](Family family, rocksdb::Slice key,
                         rocksdb::Slice value) {
      ASSERT_TRUE(
          db->Put({}, handles[static_cast<size_t>(family)], key, value).ok());
    };
    const auto record = EncodeStream({7, 0, clock_.wall_ms});
    put(Family::kStreams, "old-stream",
        rocksdb::Slice(record.data(), record.size()));
    put(Family::kMeta, "format_version", "2");
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  {
    const auto db = EventDb::OpenReadOnly(options_.directory);
    ASSERT_TRUE(db.ok()) << db.status();
    model::UserProperties properties;
    EXPECT_TRUE((*db)->LoadUserProperties(0, &properties).ok());
  }
  Open();
  EXPECT_EQ(Stream("old-stream").position, 7u);
  const AppendResult repeated =
      AppendToStream("old-stream", 7, {Event("u", "i")});
  EXPECT_TRUE((*repeated)[0].duplicate);
  ASSERT_TRUE(AppendToStream("old-stream", 8, {Event("u", "i")}).ok());
  EXPECT_EQ(Stream("old-stream").position, 8u);
  Close();
  Open();
  EXPECT_EQ(Stream("old-stream").position, 8u);
}

TEST_F(EventStoreErasureTest, ADamagedWriteAheadLogIsNotPassedOver) {
  Open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Append({Event("u", absl::StrCat("item-", i))}).ok());
  }
  // As a kill leaves it: the log is not flushed into tables.
  const std::string copy = dir_ / "killed";
  std::filesystem::create_directories(copy);
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.directory)) {
    std::filesystem::copy(entry.path(), copy / entry.path().filename());
  }
  Close();
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(copy)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) {
      log = entry.path().string();
    }
  }
  ASSERT_FALSE(log.empty());
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
  file.put('!');
  file.close();
  options_.directory = copy;
  const absl::Status status = OpenStore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(log));
  EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
}

TEST_F(EventStoreErasureTest, WhatIsRetractedIsGoneAtOnceAndThenFromTheLog) {
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

TEST_F(EventStoreErasureTest, ARetractionOfTheUnknownWritesNothing) {
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
