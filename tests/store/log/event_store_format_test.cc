// Copies of the event store, directories of older formats, and a write-ahead
// log that is damaged.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_options.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_erasure_testing.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

class EventStoreFormatTest : public EventStoreErasureTest {};

TEST_F(EventStoreFormatTest, ACopyIsAStoreOfItsOwn) {
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
TEST_F(EventStoreFormatTest, ADirectoryOfFormatOneIsMigrated) {
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
TEST_F(EventStoreFormatTest, AnOlderDirectoryIsReadAndWritten) {
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

TEST_F(EventStoreFormatTest, ADamagedWriteAheadLogIsNotPassedOver) {
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

}  // namespace
}  // namespace taud::store
