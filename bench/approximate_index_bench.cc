// IVF and HNSW beside the exact byte scan, in one process and on one thread:
// seconds to build, and to build again after training has gone on, recall@100
// against the exact results, and speed. Vectors lie in clusters, as learnt ones
// do; of vectors that are uniform on the sphere no list of an inverted file is
// nearer than another, and the audit refuses to serve it.
//
//   approximate_index_bench [ITEMS] [CLUSTERS]

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "index/builder/index_builder.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {
namespace {

constexpr size_t kDim = 64;
constexpr size_t kUsers = 20000;
constexpr size_t kDepth = 100;   // of recall
constexpr size_t kResults = 20;  // of the timed queries
constexpr size_t kAsked = 640;   // queries of each measurement
constexpr size_t kBatch = 64;
// Length of the noise around a cluster's centre, which has length 1.
constexpr float kItemNoise = 0.7f;
constexpr float kUserNoise = 0.5f;
// How far training moves a row between two snapshots.
constexpr float kDrift = 0.05f;

using Clock = std::chrono::steady_clock;

double Seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// `row` + `noise` of about that length, at unit norm.
void Move(const float* from, float noise, std::mt19937* random, float* row) {
  std::normal_distribution<float> normal(0.0f, noise / std::sqrt(float{kDim}));
  float square = 0;
  for (size_t c = 0; c < kDim; ++c) {
    row[c] = from[c] + normal(*random);
    square += row[c] * row[c];
  }
  for (size_t c = 0; c < kDim; ++c) row[c] /= std::sqrt(square);
}

model::Snapshot MakeSnapshot(size_t items, size_t clusters) {
  std::mt19937 random(1);
  const std::vector<float> zero(kDim, 0.0f);
  model::Matrix centres(clusters, kDim);
  for (size_t r = 0; r < clusters; ++r) {
    Move(zero.data(), 1.0f, &random, centres.Row(r));
  }
  model::Snapshot snapshot;
  snapshot.items = model::Matrix(items, kDim);
  snapshot.users = model::Matrix(kUsers, kDim);
  for (size_t r = 0; r < items; ++r) {
    Move(centres.Row(random() % clusters), kItemNoise, &random,
         snapshot.items.Row(r));
  }
  for (size_t r = 0; r < kUsers; ++r) {
    Move(centres.Row(random() % clusters), kUserNoise, &random,
         snapshot.users.Row(r));
  }
  snapshot.item_popularity.assign(items, 1);
  snapshot.user_degree.assign(kUsers, 1);
  snapshot.temperatures.assign(kUsers, 0.1f);
  return snapshot;
}

void Train(model::Snapshot* snapshot) {
  std::mt19937 random(2);
  for (size_t r = 0; r < snapshot->items.rows; ++r) {
    float* row = snapshot->items.Row(r);
    Move(row, kDrift, &random, row);
  }
}

std::vector<std::vector<Hit>> Ask(const SearchIndex& index,
                                  const model::Snapshot& snapshot, size_t k,
                                  size_t batch) {
  std::vector<std::vector<Hit>> all;
  std::vector<std::vector<Hit>> some;
  for (size_t begin = 0; begin < kAsked; begin += batch) {
    std::vector<Query> queries(std::min(batch, kAsked - begin));
    for (size_t q = 0; q < queries.size(); ++q) {
      // Not the users of the audit, which are the first.
      queries[q].vector = snapshot.users.Row(kUsers - 1 - begin - q);
      queries[q].k = k;
    }
    const absl::Status status = index.Search(queries, &some);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      std::exit(1);
    }
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

double Recall(const std::vector<std::vector<Hit>>& found,
              const std::vector<std::vector<Hit>>& exact) {
  size_t hits = 0, wanted = 0;
  for (size_t q = 0; q < exact.size(); ++q) {
    std::unordered_set<model::ItemIndex> right;
    for (const Hit& hit : exact[q]) right.insert(hit.item);
    for (const Hit& hit : found[q]) hits += right.count(hit.item);
    wanted += right.size();
  }
  return static_cast<double>(hits) / static_cast<double>(wanted);
}

int Run(size_t items, size_t clusters) {
  omp_set_num_threads(1);
  model::Snapshot first = MakeSnapshot(items, clusters);
  model::Snapshot second = first;
  Train(&second);
  std::printf("%zu items x %zu in %zu clusters, one thread\n", items, kDim,
              clusters);
  std::printf("%-15s %9s %9s %11s %11s %11s  %s\n", "kind", "build s",
              "again s", "recall@100", "64: us", "alone: us", "");
  std::vector<std::vector<Hit>> exact;
  double batch_base = 0, lone_base = 0;
  for (const char* name : {"flat_quantised", "flat", "ivf", "hnsw"}) {
    IndexOptions options;
    options.kind = *ParseIndexKind(name);
    IndexBuilder builder(options);
    absl::StatusOr<std::unique_ptr<SearchIndex>> index =
        absl::UnknownError("not built");
    const double build = Seconds([&] { index = builder.Build(first); });
    const double again = Seconds([&] { index = builder.Build(second); });
    if (!index.ok()) {
      std::fprintf(stderr, "%s\n", index.status().ToString().c_str());
      return 1;
    }
    const auto found = Ask(**index, second, kDepth, kBatch);
    if (exact.empty()) exact = found;
    const double batch =
        Seconds([&] { Ask(**index, second, kResults, kBatch); }) / kAsked;
    const double lone =
        Seconds([&] { Ask(**index, second, kResults, 1); }) / kAsked;
    if (batch_base == 0) {
      batch_base = batch;
      lone_base = lone;
    }
    const IndexReport report = (*index)->report();
    std::printf("%-15s %9.2f %9.2f %11.4f %11.1f %11.1f  x%.2f, x%.2f", name,
                build, again, Recall(found, exact), batch * 1e6, lone * 1e6,
                batch_base / batch, lone_base / lone);
    if (report.kind != name) {
      std::printf("  served: %s, %s", report.kind.c_str(),
                  report.reason.c_str());
    } else if (report.probes > 0) {
      std::printf("  %zu lists, %zu probed; audit %.3f", report.lists,
                  report.probes, report.recall);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace taud::index

int main(int argc, char** argv) {
  const long items = argc > 1 ? std::atol(argv[1]) : 1000000;
  const long clusters = argc > 2 ? std::atol(argv[2]) : 4000;
  if (items < 1000 || clusters < 1) {
    std::fprintf(stderr,
                 "usage: approximate_index_bench [ITEMS >= 1000] "
                 "[CLUSTERS]\n");
    return 2;
  }
  return taud::index::Run(static_cast<size_t>(items),
                          static_cast<size_t>(clusters));
}
