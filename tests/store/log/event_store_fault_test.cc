// The event store when the environment fails it: writes, syncs, kills, locks,
// permissions, other versions, damaged files.

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "store/log/event_codec.h"
#include "store/log/event_db_options.h"
#include "store/log/event_store.h"
#include "tests/model/has_seen.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/log/fault_file_system.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

class EventStoreFaultTest : public ::testing::Test {
 protected:
  EventStoreFaultTest()
      : files_(std::make_shared<FaultFileSystem>()),
        env_(rocksdb::NewCompositeEnv(files_)) {
    options_.directory = dir_ / "events";
    options_.env = env_.get();
  }

  void Open() {
    absl::StatusOr<OpenedStore> opened = OpenStore(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  void Close() { opened_.store.reset(); }
  AppendResult Append(std::vector<NewInteraction> batch) {
    return AppendAndWait(opened_.store.get(), std::move(batch));
  }
  const model::State& state() const { return *opened_.state; }

  // Open and replay of the directory as it is.
  absl::Status OpenStatus() { return OpenStore(options_).status(); }

  // Runs `change` on the closed database.
  void WithDatabase(
      const std::function<
          void(rocksdb::DB*, const std::vector<rocksdb::ColumnFamilyHandle*>&)>&
          change) {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened =
        rocksdb::DB::Open(MakeDbOptions(nullptr), options_.directory,
                          MakeFamilies(), &handles, &db);
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    change(db, handles);
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      db->DestroyColumnFamilyHandle(handle);
    }
    delete db;
  }
  void Put(Family family, const std::string& key, const std::string& value) {
    WithDatabase([&](rocksdb::DB* db, const auto& handles) {
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(),
                          handles[static_cast<size_t>(family)], key, value)
                      .ok());
    });
  }
  void Delete(Family family, const std::string& key) {
    WithDatabase([&](rocksdb::DB* db, const auto& handles) {
      ASSERT_TRUE(db->Delete(rocksdb::WriteOptions(),
                             handles[static_cast<size_t>(family)], key)
                      .ok());
    });
  }

  TempDir dir_;
  std::shared_ptr<FaultFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  EventStore::Options options_;
  OpenedStore opened_;
};

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

// --- Directories ------------------------------------------------------------

TEST_F(EventStoreFaultTest, ASecondStoreOnTheDirectoryIsRefused) {
  Open();
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(options_.directory));
  EXPECT_THAT(std::string(status.message()), HasSubstr("another taud"));
  EXPECT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreFaultTest, RocksDbsOwnLockIsRespectedToo) {
  Open();
  Close();
  WithDatabase([&](rocksdb::DB*, const auto&) {
    EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
  });
}

TEST_F(EventStoreFaultTest, AFileInPlaceOfTheDirectory) {
  std::ofstream(options_.directory) << "x";
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
}

// Permissions do not stop root, so the child gives its rights up first.
TEST_F(EventStoreFaultTest, ADirectoryThatIsNotWritableIsPermissionDenied) {
  options_.env = nullptr;
  ASSERT_EQ(chmod(dir_.path().c_str(), 0555), 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && seteuid(kNobody) != 0) _exit(99);
    const absl::Status status = OpenStatus();
    const bool names_it = absl::StrContains(status.message(), dir_.path());
    _exit(names_it ? static_cast<int>(status.code()) : 98);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "cannot become nobody";
  EXPECT_EQ(WEXITSTATUS(status),
            static_cast<int>(absl::StatusCode::kPermissionDenied));
}

// --- Other versions ---------------------------------------------------------

TEST_F(EventStoreFaultTest, OtherFormatVersionsAreRefusedWithAdvice) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  for (const char* version : {"3", "999", "0", "-1", "banana", ""}) {
    Put(Family::kMeta, "format_version", version);
    const absl::Status status = OpenStatus();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << version;
    EXPECT_THAT(std::string(status.message()), HasSubstr(options_.directory));
    EXPECT_THAT(std::string(status.message()), HasSubstr("data directory"));
  }
  Put(Family::kMeta, "format_version", "2");
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreFaultTest, AMissingFormatVersionBesideDataIsDataLoss) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  Delete(Family::kMeta, "format_version");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
}

TEST_F(EventStoreFaultTest, ACreationCutShortIsFinished) {
  Open();
  Close();
  Delete(Family::kMeta, "format_version");
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreFaultTest, AnUnknownColumnFamilyIsAnotherVersions) {
  Open();
  Close();
  WithDatabase([](rocksdb::DB* db, const auto&) {
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "from_the_future", &added).ok());
    db->DestroyColumnFamilyHandle(added);
  });
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("another version"));
}

// --- Damage -----------------------------------------------------------------

std::string KeyOf(model::Sequence sequence) {
  const SequenceKey key = EncodeSequenceKey(sequence);
  return std::string(key.data(), key.size());
}

std::string KeyOfIndex(uint32_t index) {
  const IndexKey key = EncodeIndexKey(index);
  return std::string(key.data(), key.size());
}

TEST_F(EventStoreFaultTest, DamagedRecordsAreNamed) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a"), Event("v", "b"), Event("w", "c")}).ok());
  NewItem item;
  item.id = "a";
  ASSERT_TRUE(UpsertAndWait(opened_.store.get(), {item}).ok());
  Close();
  model::Interaction dangling;
  dangling.user = 17;
  std::string dangling_value;
  EncodeEvent(dangling, "", &dangling_value);
  const struct {
    Family family;
    std::string key;
    std::string value;  // empty: deleted
    std::string message;
  } cases[] = {
      {Family::kEvents, KeyOf(2), "garbage", "events sequence 2"},
      {Family::kEvents, KeyOf(3),
       std::string(dangling_value.data(), dangling_value.size()),
       "events sequence 3: user 17"},
      {Family::kEvents, "short", "x", "events key"},
      {Family::kUsers, KeyOfIndex(1), "", "users entry 1: missing"},
      {Family::kUsers, KeyOfIndex(2), "\x01u", "users entry 2: id is there"},
      {Family::kItems, KeyOfIndex(0), "\x07q", "items entry 0: id has unknown"},
      {Family::kCatalogue, KeyOfIndex(0), "\x01", "catalogue entry 0"},
      {Family::kCatalogue, KeyOfIndex(9), "\x01", "catalogue entry 9"},
      {Family::kMeta, "last_sequence", "x", "meta last_sequence"},
  };
  for (const auto& c : cases) {
    std::string before;
    WithDatabase([&](rocksdb::DB* db, const auto& handles) {
      db->Get(rocksdb::ReadOptions(), handles[static_cast<size_t>(c.family)],
              c.key, &before);
    });
    if (c.value.empty()) {
      Delete(c.family, c.key);
    } else {
      Put(c.family, c.key, c.value);
    }
    const absl::Status status = OpenStatus();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
    EXPECT_THAT(std::string(status.message()), HasSubstr(options_.directory));
    if (before.empty()) {
      Delete(c.family, c.key);
    } else {
      Put(c.family, c.key, before);
    }
    ASSERT_TRUE(OpenStatus().ok()) << c.message;
  }
}

TEST_F(EventStoreFaultTest, ALostCurrentFileIsNotAFreshDirectory) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  std::filesystem::remove(options_.directory + "/CURRENT");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
}

// The directory as a kill leaves it: nothing is flushed into tables.
std::string CopyAsKilled(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to);
  return to;
}

std::vector<std::string> LogsIn(const std::string& directory) {
  std::vector<std::string> logs;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".log") logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

void FlipBit(const std::string& path, uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

// Whatever ends a log early but a crash is noticed, in the newest one and in
// those before it.
TEST_F(EventStoreFaultTest, NoLogMayEndBeforeWhatWasAcknowledged) {
  Open();
  uint64_t appended = 0;
  // Until the events have filled a memtable, and the other families have not:
  // both logs are needed.
  while (LogsIn(options_.directory).size() < 2) {
    std::vector<NewInteraction> batch;
    for (int i = 0; i < 5000; ++i) {
      batch.push_back(
          Event("u", "i", std::string(200, 'x') + absl::StrCat(appended++)));
    }
    ASSERT_TRUE(Append(std::move(batch)).ok());
    ASSERT_LT(appended, 1000000u);
  }
  ASSERT_TRUE(Append({Event("v", "i")}).ok());
  ASSERT_TRUE(Append({Event("w", "i")}).ok());
  const std::string whole = CopyAsKilled(options_.directory, dir_ / "whole");
  Close();
  const struct {
    const char* what;
    size_t log;  // of the two
    std::function<void(const std::string& path)> damage;
  } cases[] = {
      {"a flipped bit in the older one's tail", 0,
       [](const std::string& path) {
         FlipBit(path, std::filesystem::file_size(path) - 5);
       }},
      {"the older one cut short", 0,
       [](const std::string& path) {
         std::filesystem::resize_file(path,
                                      std::filesystem::file_size(path) / 2);
       }},
      {"the older one missing", 0,
       [](const std::string& path) { std::filesystem::remove(path); }},
      {"a flipped bit in the very last record", 1,
       [](const std::string& path) {
         FlipBit(path, std::filesystem::file_size(path) - 5);
       }},
      {"the last record cut off", 1,
       [](const std::string& path) {
         std::filesystem::resize_file(path,
                                      std::filesystem::file_size(path) - 1);
       }},
      {"the newest one empty", 1,
       [](const std::string& path) { std::filesystem::resize_file(path, 0); }},
      {"the newest one missing", 1,
       [](const std::string& path) { std::filesystem::remove(path); }},
  };
  options_.directory = dir_ / "damaged";
  for (const auto& c : cases) {
    CopyAsKilled(whole, options_.directory);
    const std::vector<std::string> logs = LogsIn(options_.directory);
    ASSERT_EQ(logs.size(), 2u);
    c.damage(logs[c.log]);
    const std::vector<std::string> left = LogsIn(options_.directory);
    const absl::Status status = OpenStatus();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr("acknowledged"));
    // RocksDB would have read what it could and removed the logs.
    EXPECT_EQ(LogsIn(options_.directory), left) << c.what;
  }
  // What a crash leaves: a write that was under way.
  CopyAsKilled(whole, options_.directory);
  std::ofstream(LogsIn(options_.directory)[1], std::ios::app | std::ios::binary)
      << "half a rec";
  Open();
  EXPECT_EQ(state().interactions.size(), appended + 2);
  ASSERT_TRUE(Append({Event("x", "i")}).ok());
  Close();
  Open();
  EXPECT_EQ(state().interactions.size(), appended + 3);
  Close();
  // The remedy that the message names.
  CopyAsKilled(whole, options_.directory);
  std::filesystem::resize_file(LogsIn(options_.directory)[1], 0);
  std::filesystem::remove(options_.directory + "/log_list");
  Open();
  EXPECT_GT(state().interactions.size(), 0u);
  EXPECT_LE(state().interactions.size(), appended);
}

TEST_F(EventStoreFaultTest, ADamagedTableOfEventIdsStopsTheStart) {
  Open();
  std::vector<NewInteraction> batch;
  for (int i = 0; i < 5000; ++i) {
    batch.push_back(Event("u", "i", absl::StrCat("event-", i)));
  }
  ASSERT_TRUE(Append(batch).ok());
  std::vector<Erasure> none;
  ASSERT_TRUE(opened_.store->EraseFromLog(&none).ok());  // writes tables
  Close();
  std::string table;
  WithDatabase([&](rocksdb::DB* db, const auto&) {
    std::vector<rocksdb::LiveFileMetaData> files;
    db->GetLiveFilesMetaData(&files);
    for (const rocksdb::LiveFileMetaData& file : files) {
      if (file.column_family_name == FamilyName(Family::kEventIds)) {
        table = file.db_path + file.name;
      }
    }
  });
  ASSERT_FALSE(table.empty());
  FlipBit(table, std::filesystem::file_size(table) / 3);
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(std::filesystem::path(table).filename().string()));
}

// A record that is damaged while the store runs fails its own batch only.
TEST_F(EventStoreFaultTest, ADamagedEventIdFailsNobodyElse) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a", "bad")}).ok());
  Close();
  uint64_t seed = 0;
  WithDatabase([&](rocksdb::DB* db, const auto& handles) {
    std::string value;
    ASSERT_TRUE(db->Get(rocksdb::ReadOptions(),
                        handles[static_cast<size_t>(Family::kMeta)],
                        "event_id_seed", &value)
                    .ok());
    seed = *DecodeSequenceKey(value);
  });
  const EventIdKey key = HashEventId("bad", seed);
  Put(Family::kEventIds, std::string(key.data(), key.size()), "garbage");
  Open();
  // Together in one group: the writer is held up by a task before them.
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  ASSERT_TRUE(
      opened_.store->FindStream("s", [gone](auto) { gone.wait(); }).ok());
  std::vector<std::promise<AppendResult>> answers(3);
  const char* const ids[] = {"good-1", "bad", "good-2"};
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(opened_.store
                    ->Append({Event("v", "b", ids[i])},
                             [&answers, i](AppendResult result) {
                               answers[i].set_value(std::move(result));
                             })
                    .ok());
  }
  go.set_value();
  EXPECT_TRUE(answers[0].get_future().get().ok());
  EXPECT_EQ(answers[1].get_future().get().status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_TRUE(answers[2].get_future().get().ok());
  EXPECT_EQ(state().interactions.size(), 3u);
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

TEST_F(EventStoreFaultTest, AFlippedBitInATableIsDataLoss) {
  Open();
  std::vector<NewInteraction> batch;
  for (int i = 0; i < 5000; ++i) batch.push_back(Event("u", "i"));
  ASSERT_TRUE(Append(batch).ok());
  Close();
  Open();  // moves the log into tables
  Close();
  std::string largest;
  uintmax_t largest_size = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (entry.file_size() <= largest_size) continue;
    largest = entry.path().string();
    largest_size = entry.file_size();
  }
  ASSERT_GT(largest_size, 1000u);
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(largest_size / 3);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(middle);
  file.put(byte);
  file.close();
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(std::filesystem::path(largest).filename().string()));
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
