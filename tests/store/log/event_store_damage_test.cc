// The event store on damaged files: it says so, and does not start as if they
// were whole.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "store/log/event_codec.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_fault_testing.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

class EventStoreDamageTest : public EventStoreFaultTest {};

std::string KeyOfIndex(uint32_t index) {
  const IndexKey key = EncodeIndexKey(index);
  return std::string(key.data(), key.size());
}

TEST_F(EventStoreDamageTest, DamagedRecordsAreNamed) {
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

TEST_F(EventStoreDamageTest, ALostCurrentFileIsNotAFreshDirectory) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  std::filesystem::remove(options_.directory + "/CURRENT");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
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
TEST_F(EventStoreDamageTest, NoLogMayEndBeforeWhatWasAcknowledged) {
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

TEST_F(EventStoreDamageTest, ADamagedTableOfEventIdsStopsTheStart) {
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
TEST_F(EventStoreDamageTest, ADamagedEventIdFailsNobodyElse) {
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

TEST_F(EventStoreDamageTest, AFlippedBitInATableIsDataLoss) {
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

}  // namespace
}  // namespace taud::store
