// FAISS' flat inner-product search with its loop and with BLAS, by the number
// of queries: what index/flat_index.cc chooses from. One thread, 41,000 x 64,
// k = 20. Run it with OPENBLAS_CORETYPE as taud sets it (SkylakeX with
// AVX-512, Haswell with AVX2) where OpenBLAS does not know the processor.

#include <cblas.h>
#include <omp.h>

#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "faiss/IndexFlat.h"
#include "faiss/utils/distances.h"

namespace {

constexpr int kItems = 41000;
constexpr int kDim = 64;
constexpr int kResults = 20;

void BM_FlatSearch(benchmark::State& state) {
  omp_set_num_threads(1);
  openblas_set_num_threads(1);
  const int queries = static_cast<int>(state.range(0));
  const bool blas = state.range(1) == 1;
  faiss::distance_compute_blas_threshold = blas ? 1 : queries + 1;

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> items(kItems * kDim);
  for (float& x : items) x = normal(random);
  faiss::IndexFlatIP index(kDim);
  index.add(kItems, items.data());
  std::vector<float> scores(queries * kResults);
  std::vector<int64_t> rows(queries * kResults);
  for (auto _ : state) {
    index.search(queries, items.data(), kResults, scores.data(), rows.data());
  }
  state.SetItemsProcessed(state.iterations() * queries);
}
BENCHMARK(BM_FlatSearch)
    ->ArgNames({"queries", "blas"})
    ->ArgsProduct({{1, 2, 8, 16, 64}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
