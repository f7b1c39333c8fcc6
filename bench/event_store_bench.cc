// What durability costs: interactions acknowledged a second by the event
// store, by batch size and number of callers, beside RocksDB alone writing the
// same keys and values with the same options and sync; and how long an
// acknowledgement takes with eight batches under way. Also reading the log
// back at a start.
//
// The share of RocksDB that the store reaches is the ratio of two lines of
// one run. Files go to a temporary directory under $TMPDIR.

#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "benchmark/benchmark.h"
#include "model/check.h"
#include "model/state.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "store/log/event_codec.h"
#include "store/log/event_db_options.h"
#include "store/log/event_store.h"

namespace taud::store {
namespace {

constexpr uint32_t kUsers = 20000;
constexpr uint32_t kItems = 40000;
// Batches a caller may have in flight, as a stream has.
constexpr int kInFlight = 8;

class TempDir {
 public:
  TempDir() {
    std::string name =
        (std::filesystem::temp_directory_path() / "taud_bench_XXXXXX").string();
    TAUD_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Debian builds Abseil without NDEBUG, and then every mutex looks for deadlocks
// unless it is told not to, as a server tells it: a third of a replay's time.
[[maybe_unused]] const bool kDeadlockDetectionOff = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

// A cheap sequence of well-mixed numbers, the same in every run.
class Mixer {
 public:
  explicit Mixer(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint32_t Below(uint32_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((state_ >> 33) % n);
  }

 private:
  uint64_t state_;
};

std::vector<NewInteraction> MakeBatch(size_t size, bool event_ids,
                                      const std::string& prefix, Mixer* mixer) {
  std::vector<NewInteraction> batch(size);
  for (size_t i = 0; i < size; ++i) {
    batch[i].user_id = absl::StrCat("user-", mixer->Below(kUsers));
    batch[i].item_id = absl::StrCat("item-", mixer->Below(kItems));
    batch[i].time_ms = 1700000000000 + static_cast<int64_t>(i);
    if (event_ids) batch[i].event_id = absl::StrCat(prefix, "-", i);
  }
  return batch;
}

using Clock = std::chrono::steady_clock;

// Counts a caller's unanswered batches, and times the answered ones.
class Window {
 public:
  void Enter() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int* open) { return *open < kInFlight; }, &open_));
    ++open_;
  }
  // Handed over at `start`.
  void Leave(Clock::time_point start) {
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    absl::MutexLock lock(&mutex_);
    --open_;
    milliseconds_.push_back(took.count());
  }
  void WaitUntilEmpty() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int* open) { return *open == 0; }, &open_));
  }
  // From hand-over to acknowledgement. REQUIRES: empty.
  std::vector<double> milliseconds() const {
    absl::MutexLock lock(&mutex_);
    return milliseconds_;
  }

 private:
  mutable absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mutex_);
};

double Percentile(double share, std::vector<double>* values) {
  TAUD_CHECK(!values->empty());
  const auto rank = static_cast<std::ptrdiff_t>(
      share * static_cast<double>(values->size() - 1));
  std::nth_element(values->begin(), values->begin() + rank, values->end());
  return (*values)[static_cast<size_t>(rank)];
}

struct Opened {
  TempDir dir;
  model::State state;
  std::unique_ptr<EventStore> store;

  Opened() {
    EventStore::Options options;
    options.directory = dir.path();
    auto opened = EventStore::Open(options, &state);
    TAUD_CHECK(opened.ok());
    store = *std::move(opened);
    TAUD_CHECK(store->Replay(nullptr).ok());
  }
};

// Returns how long each batch took to be acknowledged.
std::vector<double> AppendUntilDone(EventStore* store, size_t batch_size,
                                    bool event_ids, int caller,
                                    size_t batches) {
  Mixer mixer(static_cast<uint64_t>(caller) + 1);
  Window window;
  for (size_t b = 0; b < batches; ++b) {
    std::vector<NewInteraction> batch =
        MakeBatch(batch_size, event_ids, absl::StrCat(caller, "-", b), &mixer);
    window.Enter();
    const Clock::time_point start = Clock::now();
    while (!store
                ->Append(batch,
                         [&window, start](const auto& result) {
                           TAUD_CHECK(result.ok());
                           window.Leave(start);
                         })
                .ok()) {
      std::this_thread::yield();
    }
  }
  window.WaitUntilEmpty();
  return window.milliseconds();
}

// Arguments: batch size, callers, whether interactions carry event ids.
void BM_StoreAppend(benchmark::State& bench) {
  const auto batch_size = static_cast<size_t>(bench.range(0));
  const auto callers = static_cast<int>(bench.range(1));
  const bool event_ids = bench.range(2) != 0;
  Opened opened;
  const size_t batches =
      std::max<size_t>(1, std::min<size_t>(200000 / batch_size, 2000) /
                              static_cast<size_t>(callers));
  std::vector<double> latencies;
  for (auto _ : bench) {
    std::vector<std::vector<double>> by_caller(static_cast<size_t>(callers));
    std::vector<std::thread> threads;
    for (int c = 0; c < callers; ++c) {
      // Event ids must be new in every iteration.
      const int name = c + callers * static_cast<int>(bench.iterations());
      threads.emplace_back([&, c, name] {
        by_caller[static_cast<size_t>(c)] = AppendUntilDone(
            opened.store.get(), batch_size, event_ids, name, batches);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<double>& one : by_caller) {
      latencies.insert(latencies.end(), one.begin(), one.end());
    }
  }
  const EventStore::Stats stats = opened.store->stats();
  bench.SetItemsProcessed(
      static_cast<int64_t>(stats.appended + stats.duplicates));
  bench.counters["events_per_sync"] =
      static_cast<double>(stats.appended) / static_cast<double>(stats.groups);
  bench.counters["ack_p50_ms"] = Percentile(0.50, &latencies);
  bench.counters["ack_p99_ms"] = Percentile(0.99, &latencies);
}
BENCHMARK(BM_StoreAppend)
    ->ArgNames({"batch", "callers", "ids"})
    ->ArgsProduct({{1, 32, 1000}, {1, 4}, {0}})
    ->Args({1, 64, 0})
    ->Args({1000, 4, 1})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// One thread, nothing but the events' keys and values, synced a batch.
void BM_RocksDbWrite(benchmark::State& bench) {
  const auto batch_size = static_cast<size_t>(bench.range(0));
  TempDir dir;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  TAUD_CHECK(rocksdb::DB::Open(MakeDbOptions(nullptr), dir.path(),
                               MakeFamilies(), &handles, &raw)
                 .ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions options;
  options.sync = true;
  Mixer mixer(1);
  model::Interaction event;
  std::string value;
  for (auto _ : bench) {
    rocksdb::WriteBatch batch;
    for (size_t i = 0; i < batch_size; ++i) {
      ++event.sequence;
      event.user = mixer.Below(kUsers);
      event.item = mixer.Below(kItems);
      const SequenceKey key = EncodeSequenceKey(event.sequence);
      value.clear();
      EncodeEvent(event, "", &value);
      TAUD_CHECK(batch
                     .Put(handles[static_cast<size_t>(Family::kEvents)],
                          rocksdb::Slice(key.data(), key.size()), value)
                     .ok());
    }
    TAUD_CHECK(db->Write(options, &batch).ok());
  }
  bench.SetItemsProcessed(static_cast<int64_t>(event.sequence));
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    TAUD_CHECK(db->DestroyColumnFamilyHandle(handle).ok());
  }
}
BENCHMARK(BM_RocksDbWrite)
    ->ArgNames({"batch"})
    ->Arg(1)
    ->Arg(32)
    ->Arg(1000)
    ->Arg(4000)
    ->Arg(14000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Opening and replaying a log of `events`.
void BM_Replay(benchmark::State& bench) {
  const auto events = static_cast<size_t>(bench.range(0));
  constexpr size_t kBatch = 1000;
  Opened opened;
  AppendUntilDone(opened.store.get(), kBatch, false, 0, events / kBatch);
  opened.store.reset();
  EventStore::Options options;
  options.directory = opened.dir.path();
  for (auto _ : bench) {
    bench.PauseTiming();
    auto state = std::make_unique<model::State>();
    bench.ResumeTiming();
    auto store = EventStore::Open(options, state.get());
    TAUD_CHECK(store.ok());
    TAUD_CHECK((*store)->Replay(nullptr).ok());
    bench.PauseTiming();
    TAUD_CHECK(state->interactions.size() == events);
    store->reset();
    state.reset();
    bench.ResumeTiming();
  }
  bench.SetItemsProcessed(bench.iterations() * static_cast<int64_t>(events));
}
BENCHMARK(BM_Replay)
    ->ArgNames({"events"})
    ->Arg(1000000)
    ->Iterations(3)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace taud::store
