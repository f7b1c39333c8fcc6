// Exact search on a GPU: ours and FAISS' flat one beside each other and beside
// what the chip can do, in one process. Prints a table.
//
//   gpu_search_bench [ITEMS …]      41000 1000000 10000000 by default
//
// Rows of 64 values are uniform on the sphere. k is 100; each query has 100
// items of its own that may not be returned. A query's time is from a batch on
// the host to its results on the host, the median of repeated batches.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "bench/faiss_gpu_ranker.h"
#include "bench/gpu_ceilings.h"
#include "bench/ranked_index.h"
#include "device/device.h"
#include "index/gpu/gpu_index.h"

namespace taud::index {
namespace {

constexpr size_t kDim = 64;
constexpr size_t kResults = 100;
constexpr size_t kExcluded = 100;
constexpr size_t kMostQueries = 2048;

// `work(begin, end)` on all cores.
template <typename Work>
void InParallel(size_t count, Work work) {
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> pool;
  for (size_t t = 0; t < threads; ++t) {
    pool.emplace_back(work, count * t / threads, count * (t + 1) / threads);
  }
  for (std::thread& thread : pool) thread.join();
}

void FillUnitRows(uint32_t seed, model::Matrix* matrix) {
  InParallel(matrix->rows, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      std::minstd_rand random(seed + static_cast<uint32_t>(r));
      random.discard(5);
      float* row = matrix->Row(r);
      float sum = 0;
      for (size_t c = 0; c < kDim; ++c) {
        // Four uniform numbers are normal enough.
        float x = -2;
        for (int i = 0; i < 4; ++i) {
          x += static_cast<float>(random()) / 2147483647.0f;
        }
        row[c] = x;
        sum += x * x;
      }
      const float scale = 1.0f / std::sqrt(sum);
      for (size_t c = 0; c < kDim; ++c) row[c] *= scale;
    }
  });
}

struct World {
  model::Snapshot snapshot;
  model::Matrix vectors{kMostQueries, kDim};
  std::vector<std::vector<model::ItemIndex>> excluded{kMostQueries};
  std::vector<Query> queries{kMostQueries};

  explicit World(size_t items) {
    snapshot.items = model::Matrix(items, kDim);
    snapshot.item_popularity.assign(items, 1);
    FillUnitRows(1, &snapshot.items);
    FillUnitRows(1000003, &vectors);
    std::mt19937 random(3);
    for (size_t q = 0; q < kMostQueries; ++q) {
      auto& own = excluded[q];
      while (own.size() < kExcluded) {
        own.push_back(static_cast<model::ItemIndex>(random() % items));
        if (own.size() == kExcluded) {
          std::sort(own.begin(), own.end());
          own.erase(std::unique(own.begin(), own.end()), own.end());
        }
      }
      queries[q].vector = vectors.Row(q);
      queries[q].k = kResults;
      queries[q].excluded = own;
    }
  }
};

// Queries a second: the median of some batches.
double Rate(const SearchIndex& index, const World& world, size_t batch) {
  std::vector<double> seconds;
  std::vector<std::vector<Hit>> results;
  const auto start = std::chrono::steady_clock::now();
  for (size_t run = 0; run < 60; ++run) {
    const size_t at = run * batch % (kMostQueries - batch + 1);
    const auto begin = std::chrono::steady_clock::now();
    const absl::Status status = index.Search(
        absl::MakeConstSpan(world.queries).subspan(at, batch), &results);
    const auto end = std::chrono::steady_clock::now();
    if (!status.ok()) {
      std::printf("%s\n", status.ToString().c_str());
      return 0;
    }
    if (run > 2) {
      seconds.push_back(std::chrono::duration<double>(end - begin).count());
    }
    if (end - start > std::chrono::milliseconds(1500) && run > 6) break;
  }
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2,
                   seconds.end());
  return static_cast<double>(batch) / seconds[seconds.size() / 2];
}

// Share of the exact best that were found, against sums of doubles.
double RecallOf(const SearchIndex& index, const World& world, size_t queries) {
  std::vector<std::vector<Hit>> results;
  if (!index
           .Search(absl::MakeConstSpan(world.queries).subspan(0, kMostQueries),
                   &results)
           .ok()) {
    return 0;
  }
  std::vector<size_t> found(queries, 0);
  InParallel(queries, [&](size_t begin, size_t end) {
    for (size_t q = begin; q < end; ++q) {
      std::vector<std::pair<double, model::ItemIndex>> all;
      for (size_t i = 0; i < world.snapshot.items.rows; ++i) {
        const auto item = static_cast<model::ItemIndex>(i);
        if (std::binary_search(world.excluded[q].begin(),
                               world.excluded[q].end(), item)) {
          continue;
        }
        double score = 0;
        const float* row = world.snapshot.items.Row(i);
        for (size_t c = 0; c < kDim; ++c) {
          score += double{row[c]} * world.vectors.Row(q)[c];
        }
        all.push_back({-score, item});
      }
      std::partial_sort(all.begin(), all.begin() + kResults, all.end());
      std::vector<model::ItemIndex> best;
      for (size_t i = 0; i < kResults; ++i) best.push_back(all[i].second);
      std::sort(best.begin(), best.end());
      for (const Hit& hit : results[q]) {
        found[q] += std::binary_search(best.begin(), best.end(), hit.item);
      }
    }
  });
  size_t sum = 0;
  for (const size_t f : found) sum += f;
  return static_cast<double>(sum) / static_cast<double>(queries * kResults);
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

int Run(const std::vector<size_t>& sizes) {
  if (device::NumGpus() == 0) {
    std::printf("no measurement: %s\n", device::WhyNoGpu().c_str());
    return 1;
  }
  const bench::GpuCeilings ceilings = bench::MeasureCeilings();
  std::printf(
      "copy %.2f TB/s, fp16 products %.0f TFLOP/s, float %.1f TFLOP/s\n",
      ceilings.copy_bytes_per_second / 1e12,
      ceilings.half_ops_per_second / 1e12,
      ceilings.float_ops_per_second / 1e12);
  std::printf("%9s %6s %12s %12s %7s %12s %9s\n", "items", "batch", "ours/s",
              "faiss/s", "ratio", "floor/s", "of floor");
  for (const size_t items : sizes) {
    const World world(items);
    auto start = std::chrono::steady_clock::now();
    auto ours = BuildGpuIndex(world.snapshot, 0);
    if (!ours.ok()) {
      std::printf("%s\n", ours.status().ToString().c_str());
      return 1;
    }
    const double first_build = SecondsSince(start);
    start = std::chrono::steady_clock::now();
    const bool again = BuildGpuIndex(world.snapshot, 0).ok();
    const double second_build = SecondsSince(start);
    absl::StatusOr<std::unique_ptr<SearchIndex>> faiss = BuildRankedIndex(
        world.snapshot,
        [](const model::Matrix& rows) { return MakeFaissGpuRanker(rows, 0); });
    for (const size_t batch : {1, 16, 64, 256, 1024, 2048}) {
      const double rate = Rate(**ours, world, batch);
      const double theirs = faiss.ok() ? Rate(**faiss, world, batch) : 0;
      // The rows in half precision are read once a batch, and multiplied.
      const double bytes = static_cast<double>(items) * kDim * 2;
      const double operations =
          static_cast<double>(items) * kDim * 2 * static_cast<double>(batch);
      const double floor =
          static_cast<double>(batch) /
          std::max(bytes / (ceilings.copy_bytes_per_second / 2),
                   operations / ceilings.half_ops_per_second);
      std::printf("%9zu %6zu %12.0f %12.0f %7.2f %12.0f %8.0f%%\n", items,
                  batch, rate, theirs, theirs > 0 ? rate / theirs : 0.0, floor,
                  100 * rate / floor);
      std::fflush(stdout);
    }
    std::printf("%9zu build %.3f s, again %s %.3f s; recall@%zu %.6f", items,
                first_build, again ? "in" : "failed in", second_build, kResults,
                RecallOf(**ours, world, 16));
    if (faiss.ok()) {
      std::printf("; faiss' %.6f\n", RecallOf(**faiss, world, 16));
    } else {
      std::printf("; no faiss: %s\n", faiss.status().ToString().c_str());
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace taud::index

int main(int argc, char** argv) {
  std::vector<size_t> sizes;
  for (int i = 1; i < argc; ++i) {
    sizes.push_back(std::strtoull(argv[i], nullptr, 10));
  }
  if (sizes.empty()) sizes = {41000, 1000000, 10000000};
  return taud::index::Run(sizes);
}
