#ifndef TAUD_TESTS_STORE_LOG_EVENT_STORE_FAULT_TESTING_H_
#define TAUD_TESTS_STORE_LOG_EVENT_STORE_FAULT_TESTING_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "store/log/event_codec.h"
#include "store/log/event_db_options.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/log/fault_file_system.h"
#include "tests/store/temp_dir.h"

namespace taud::store {

// A store whose environment can be made to fail, and what can be done to its
// directory while it is closed.
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

inline std::string KeyOf(model::Sequence sequence) {
  const SequenceKey key = EncodeSequenceKey(sequence);
  return std::string(key.data(), key.size());
}

// The directory as a kill leaves it: nothing is flushed into tables.
inline std::string CopyAsKilled(const std::string& from,
                                const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to);
  return to;
}

}  // namespace taud::store

#endif  // TAUD_TESTS_STORE_LOG_EVENT_STORE_FAULT_TESTING_H_
