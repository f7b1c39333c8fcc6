// How long a start waits for its snapshot, and a publish for its files.
// Argument: users and items each, with 64 dimensions.

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "model/check.h"
#include "model/dictionary.h"
#include "model/snapshot.h"
#include "store/files/snapshot_files.h"

namespace taud::store {
namespace {

constexpr size_t kDim = 64;

struct Prepared {
  std::string root;
  model::Dictionary users;
  model::Dictionary items;
  model::Snapshot snapshot;

  explicit Prepared(size_t rows) {
    root =
        (std::filesystem::temp_directory_path() / "taud_bench_XXXXXX").string();
    TAUD_CHECK(mkdtemp(root.data()) != nullptr);
    snapshot.version = 1;
    snapshot.users = model::Matrix(rows, kDim);
    snapshot.items = model::Matrix(rows, kDim);
    for (size_t r = 0; r < rows; ++r) {
      users.Insert(absl::StrCat("user-", r));
      items.Insert(absl::StrCat("item-", r));
      snapshot.users.Row(r)[r % kDim] = 1;
      snapshot.items.Row(r)[r % kDim] = 1;
    }
    snapshot.user_degree.assign(rows, 1);
    snapshot.item_popularity.assign(rows, 1);
    snapshot.temperatures.assign(rows, 0.1f);
    snapshot.tau0 = 0.1f;
  }
  ~Prepared() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
};

void BM_SaveSnapshot(benchmark::State& bench) {
  Prepared prepared(static_cast<size_t>(bench.range(0)));
  for (auto _ : bench) {
    ++prepared.snapshot.version;
    TAUD_CHECK(SaveSnapshot(prepared.root, prepared.snapshot, prepared.users,
                            prepared.items)
                   .ok());
    bench.PauseTiming();
    SnapshotRetention none;
    none.keep = 0;
    TAUD_CHECK(PruneSnapshots(prepared.root, none).ok());
    bench.ResumeTiming();
  }
}
BENCHMARK(BM_SaveSnapshot)
    ->Arg(100000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_LoadSnapshot(benchmark::State& bench) {
  Prepared prepared(static_cast<size_t>(bench.range(0)));
  TAUD_CHECK(SaveSnapshot(prepared.root, prepared.snapshot, prepared.users,
                          prepared.items)
                 .ok());
  for (auto _ : bench) {
    TAUD_CHECK(LoadSnapshot(prepared.root, 1).ok());
  }
}
BENCHMARK(BM_LoadSnapshot)
    ->Arg(100000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace taud::store
