#ifndef TAUD_TESTS_STORE_LOG_EVENT_STORE_ERASURE_TESTING_H_
#define TAUD_TESTS_STORE_LOG_EVENT_STORE_ERASURE_TESTING_H_

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "store/log/event_codec.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/temp_dir.h"

namespace taud::store {

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

inline constexpr int64_t kDay = int64_t{24} * 60 * 60 * 1000;

// A store on the clock of the test, and calls that wait for their answers.
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

// A name that no compression can take apart, so that a look at the bytes finds
// it wherever it is.
inline std::string Name(const std::string& of) {
  const EventIdKey hash = HashEventId(of, 1);
  return absl::BytesToHexString(absl::string_view(hash.data(), hash.size()));
}

}  // namespace taud::store

#endif  // TAUD_TESTS_STORE_LOG_EVENT_STORE_ERASURE_TESTING_H_
