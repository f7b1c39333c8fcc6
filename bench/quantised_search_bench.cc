// The two exact search paths beside each other in one process and on one
// thread: FAISS' flat index with OpenBLAS as Debian ships it, and ours. Vectors
// are uniform on the sphere, the hardest case for pruning. Run it with
// OPENBLAS_CORETYPE as taud sets it (SkylakeX with AVX-512, Haswell with AVX2)
// where OpenBLAS does not know the processor.

#include <cblas.h>
#include <omp.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "faiss/IndexFlat.h"
#include "faiss/utils/distances.h"
#include "index/search_index.h"

namespace taud::index {
namespace {

constexpr size_t kDim = 64;
constexpr size_t kResults = 20;

struct World {
  model::Snapshot snapshot;
  faiss::IndexFlatIP faiss{kDim};
  std::unique_ptr<SearchIndex> quantised;
};

const World& WorldOf(size_t items) {
  static std::map<size_t, std::unique_ptr<World>> worlds;
  std::unique_ptr<World>& world = worlds[items];
  if (world != nullptr) return *world;
  omp_set_num_threads(1);
  openblas_set_num_threads(1);
  faiss::distance_compute_blas_threshold = 1;
  world = std::make_unique<World>();
  model::Snapshot& snapshot = world->snapshot;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  snapshot.items = model::Matrix(items, kDim);
  snapshot.users = model::Matrix(1024, kDim);
  snapshot.item_popularity.assign(items, 1);
  for (model::Matrix* matrix : {&snapshot.items, &snapshot.users}) {
    for (size_t r = 0; r < matrix->rows; ++r) {
      double norm = 0;
      for (size_t c = 0; c < kDim; ++c) {
        matrix->Row(r)[c] = normal(random);
        norm += double{matrix->Row(r)[c]} * matrix->Row(r)[c];
      }
      for (size_t c = 0; c < kDim; ++c) {
        matrix->Row(r)[c] /= static_cast<float>(std::sqrt(norm));
      }
    }
  }
  world->faiss.add(static_cast<int64_t>(items), snapshot.items.values.data());
  world->quantised = *BuildQuantisedIndex(snapshot);
  return *world;
}

void BM_Faiss(benchmark::State& state) {
  const World& world = WorldOf(static_cast<size_t>(state.range(0)));
  const int64_t n = state.range(1);
  std::vector<float> scores(static_cast<size_t>(n) * kResults);
  std::vector<int64_t> rows(scores.size());
  size_t at = 0;
  for (auto _ : state) {
    world.faiss.search(n, world.snapshot.users.Row(at), kResults, scores.data(),
                       rows.data());
    at = (at + static_cast<size_t>(n)) % 960;
  }
  state.SetItemsProcessed(state.iterations() * n);
}

void BM_Quantised(benchmark::State& state) {
  const World& world = WorldOf(static_cast<size_t>(state.range(0)));
  std::vector<Query> queries(static_cast<size_t>(state.range(1)));
  std::vector<std::vector<Hit>> results;
  size_t at = 0;
  for (auto _ : state) {
    for (size_t q = 0; q < queries.size(); ++q) {
      queries[q].vector = world.snapshot.users.Row(at + q);
      queries[q].k = kResults;
    }
    const absl::Status status = world.quantised->Search(queries, &results);
    if (!status.ok()) state.SkipWithError("search failed");
    at = (at + queries.size()) % 960;
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

#define TAUD_CASES                                          \
  ArgNames({"items", "queries"})                            \
      ->ArgsProduct({{41000, 100000, 1000000}, {1, 8, 64}}) \
      ->Unit(benchmark::kMicrosecond)
BENCHMARK(BM_Faiss)->TAUD_CASES;
BENCHMARK(BM_Quantised)->TAUD_CASES;

}  // namespace
}  // namespace taud::index
