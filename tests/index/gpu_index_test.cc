// The search on a GPU at sizes at which its groups are wide; with small ones it
// takes part in exact_index_test. Skipped, saying so, where there is no GPU.

#include "index/gpu/gpu_index.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "device/device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/search_index.h"

namespace taud::index {
namespace {

using model::Bitmap;
using model::ItemIndex;
using model::Snapshot;

void FillUnitRows(uint32_t seed, model::Matrix* matrix) {
  std::minstd_rand random(seed + 1);
  for (size_t r = 0; r < matrix->rows; ++r) {
    float* row = matrix->Row(r);
    float sum = 0;
    for (size_t c = 0; c < matrix->cols; ++c) {
      row[c] = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
      sum += row[c] * row[c];
    }
    if (sum == 0) row[0] = sum = 1;
    for (size_t c = 0; c < matrix->cols; ++c) row[c] /= std::sqrt(sum);
  }
}

Snapshot MakeSnapshot(size_t items, size_t dim, uint32_t seed) {
  Snapshot snapshot;
  snapshot.items = model::Matrix(items, dim);
  snapshot.item_popularity.assign(items, 1);
  FillUnitRows(seed, &snapshot.items);
  return snapshot;
}

class GpuIndexTest : public testing::Test {
 protected:
  void SetUp() override {
    if (device::NumGpus() == 0) GTEST_SKIP() << device::WhyNoGpu();
  }

  // The hits are those of a float64 search, but for scores that are nearer to
  // each other than `error`.
  void ExpectExact(const Snapshot& snapshot, const Query& query,
                   const std::vector<Hit>& hits, double error = 1e-7) {
    std::vector<std::pair<double, ItemIndex>> all;
    for (size_t i = 0; i < snapshot.items.rows; ++i) {
      if (snapshot.item_popularity[i] == 0) continue;
      if (query.eligible != nullptr && !query.eligible->Test(i)) continue;
      const ItemIndex item = static_cast<ItemIndex>(i);
      if (std::binary_search(query.excluded.begin(), query.excluded.end(),
                             item)) {
        continue;
      }
      double score = 0;
      for (size_t c = 0; c < snapshot.dim(); ++c) {
        score += double{snapshot.items.Row(i)[c]} * query.vector[c];
      }
      all.push_back({-score, item});
    }
    const size_t wanted = std::min(query.k, all.size());
    std::partial_sort(all.begin(), all.begin() + wanted, all.end());
    ASSERT_EQ(hits.size(), wanted);
    std::set<ItemIndex> distinct;
    for (size_t i = 0; i < wanted; ++i) {
      ASSERT_NEAR(hits[i].score, -all[i].first, error) << "rank " << i;
      if (i > 0) {
        ASSERT_TRUE(hits[i - 1].score > hits[i].score ||
                    hits[i - 1].item < hits[i].item);
      }
      distinct.insert(hits[i].item);
    }
    EXPECT_EQ(distinct.size(), wanted);
  }

  void CheckCatalogue(size_t items, size_t dim, int untrained) {
    SCOPED_TRACE(testing::Message() << items << " x " << dim);
    Snapshot snapshot = MakeSnapshot(items, dim, static_cast<uint32_t>(items));
    std::minstd_rand random(9);
    for (int i = 0; i < untrained; ++i) {
      const size_t item = random() % items;
      snapshot.item_popularity[item] = 0;
      std::fill_n(snapshot.items.Row(item), dim, 0.0f);
    }
    auto index = BuildGpuIndex(snapshot, 0);
    ASSERT_TRUE(index.ok()) << index.status();
    for (const size_t batch : {1, 3, 17, 70, 300}) {
      SCOPED_TRACE(testing::Message() << "batch " << batch);
      model::Matrix vectors(batch, dim);
      FillUnitRows(static_cast<uint32_t>(batch), &vectors);
      std::vector<Query> queries(batch);
      std::vector<std::vector<ItemIndex>> excluded(batch);
      Bitmap tenth(items, false);
      Bitmap nearly_all(items, true);
      for (size_t i = 0; i < items; ++i) {
        if (random() % 10 == 0) tenth.Set(i);
        if (random() % 50 == 0) nearly_all.Clear(i);
      }
      for (size_t q = 0; q < batch; ++q) {
        queries[q].vector = vectors.Row(q);
        queries[q].k = q % 5 == 0 ? 1000 : 1 + q % 100;
        if (q % 3 == 1) queries[q].eligible = &tenth;
        if (q % 3 == 2) queries[q].eligible = &nearly_all;
        std::set<ItemIndex> seen;
        for (size_t i = 0; i < (q % 4) * 60; ++i) seen.insert(random() % items);
        excluded[q].assign(seen.begin(), seen.end());
      }
      // What would be best is what has been seen.
      std::vector<std::vector<Hit>> results;
      ASSERT_TRUE((*index)->Search(queries, &results).ok());
      for (size_t q = 0; q < batch; ++q) {
        for (size_t i = 0; i < results[q].size(); i += 2) {
          excluded[q].push_back(results[q][i].item);
        }
        std::sort(excluded[q].begin(), excluded[q].end());
        excluded[q].erase(std::unique(excluded[q].begin(), excluded[q].end()),
                          excluded[q].end());
        queries[q].excluded = excluded[q];
      }
      ASSERT_TRUE((*index)->Search(queries, &results).ok());
      for (size_t q = 0; q < batch; q += 1 + batch / 8) {
        SCOPED_TRACE(testing::Message() << "query " << q);
        ExpectExact(snapshot, queries[q], results[q]);
      }
    }
  }
};

TEST_F(GpuIndexTest, NarrowGroups) { CheckCatalogue(41000, 64, 100); }
TEST_F(GpuIndexTest, MiddlingGroups) { CheckCatalogue(150000, 64, 0); }
TEST_F(GpuIndexTest, WideGroups) { CheckCatalogue(600000, 32, 1000); }
TEST_F(GpuIndexTest, NarrowRows) { CheckCatalogue(30000, 5, 10); }
TEST_F(GpuIndexTest, WideRows) {
  CheckCatalogue(20000, 100, 10);
  CheckCatalogue(10000, 200, 10);
}

// So alike that no threshold tells them apart: the CPU answers, as exactly.
TEST_F(GpuIndexTest, RowsThatAreAllAlike) {
  Snapshot snapshot = MakeSnapshot(50000, 16, 1);
  for (size_t i = 0; i < snapshot.items.rows; ++i) {
    std::copy_n(snapshot.items.Row(0), 16, snapshot.items.Row(i));
  }
  auto index = BuildGpuIndex(snapshot, 0);
  ASSERT_TRUE(index.ok()) << index.status();
  Query query;
  query.vector = snapshot.items.Row(0);
  query.k = 50;
  std::vector<std::vector<Hit>> results;
  ASSERT_TRUE((*index)->Search({&query, 1}, &results).ok());
  ASSERT_EQ(results[0].size(), 50u);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(results[0][i].item, i);
}

TEST_F(GpuIndexTest, MoreThanTheKernelsGiveComesFromTheCpu) {
  const Snapshot snapshot = MakeSnapshot(20000, 16, 2);
  auto index = BuildGpuIndex(snapshot, 0);
  ASSERT_TRUE(index.ok()) << index.status();
  Query query;
  query.vector = snapshot.items.Row(0);
  query.k = 6000;
  std::vector<std::vector<Hit>> results;
  ASSERT_TRUE((*index)->Search({&query, 1}, &results).ok());
  // The CPU sums floats as floats.
  ExpectExact(snapshot, query, results[0], 1e-6);
}

TEST_F(GpuIndexTest, AScoreDoesNotDependOnTheCompanyItIsAskedIn) {
  const Snapshot snapshot = MakeSnapshot(50000, 64, 3);
  auto index = BuildGpuIndex(snapshot, 0);
  ASSERT_TRUE(index.ok()) << index.status();
  std::vector<Query> queries(200);
  for (size_t q = 0; q < queries.size(); ++q) {
    queries[q].vector = snapshot.items.Row(q);
    queries[q].k = 30;
  }
  std::vector<std::vector<Hit>> together;
  ASSERT_TRUE((*index)->Search(queries, &together).ok());
  for (size_t q = 0; q < queries.size(); q += 9) {
    std::vector<std::vector<Hit>> alone;
    ASSERT_TRUE((*index)->Search({&queries[q], 1}, &alone).ok());
    for (size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(alone[0][i].item, together[q][i].item);
      EXPECT_EQ(alone[0][i].score, together[q][i].score);
    }
  }
}

// Indexes come and go beside searches, as snapshots do.
TEST_F(GpuIndexTest, BuildsAndFreesBesideSearches) {
  const Snapshot snapshot = MakeSnapshot(30000, 64, 4);
  auto index = BuildGpuIndex(snapshot, 0);
  ASSERT_TRUE(index.ok()) << index.status();
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        Query query;
        query.vector = snapshot.items.Row(static_cast<size_t>(t * 50 + i));
        query.k = 10;
        std::vector<std::vector<Hit>> results;
        // A row is nearest to itself.
        failed += !(*index)->Search({&query, 1}, &results).ok() ||
                  results[0][0].item != static_cast<ItemIndex>(t * 50 + i);
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(BuildGpuIndex(snapshot, 0).ok());
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

TEST(BuildGpuIndexTest, SaysWhyThereIsNone) {
  const Snapshot snapshot = MakeSnapshot(10, 4, 5);
  const auto index = BuildGpuIndex(snapshot, 63);
  EXPECT_TRUE(absl::IsUnavailable(index.status()));
  EXPECT_THAT(index.status().message(),
              testing::AnyOf(testing::HasSubstr("no GPU"),
                             testing::HasSubstr("without CUDA")));
}

}  // namespace
}  // namespace taud::index
