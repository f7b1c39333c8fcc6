#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "device/device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/gpu/gpu_index.h"
#include "index/search_index.h"

namespace taud::index {
namespace {

using model::Bitmap;
using model::ItemIndex;
using model::Snapshot;

void FillUnitRows(std::mt19937* random, model::Matrix* matrix) {
  std::normal_distribution<float> normal;
  for (size_t r = 0; r < matrix->rows; ++r) {
    float* row = matrix->Row(r);
    double sum = 0;
    for (size_t c = 0; c < matrix->cols; ++c) {
      row[c] = normal(*random);
      sum += double{row[c]} * row[c];
    }
    for (size_t c = 0; c < matrix->cols; ++c) {
      row[c] = static_cast<float>(row[c] / std::sqrt(sum));
    }
  }
}

// `untrained` of ten items have no vector.
Snapshot MakeSnapshot(size_t items, size_t dim, int untrained, int seed) {
  std::mt19937 random(seed);
  Snapshot s;
  s.items = model::Matrix(items, dim);
  s.item_popularity.assign(items, 1);
  FillUnitRows(&random, &s.items);
  for (size_t i = 0; i < items; ++i) {
    if (static_cast<int>(random() % 10) >= untrained) continue;
    s.item_popularity[i] = 0;
    std::fill_n(s.items.Row(i), dim, 0.0f);
  }
  return s;
}

std::vector<Hit> BruteForce(const Snapshot& s, const Query& q) {
  std::vector<Hit> hits;
  for (size_t i = 0; i < s.items.rows; ++i) {
    if (s.item_popularity[i] == 0) continue;
    if (q.eligible != nullptr && !q.eligible->Test(i)) continue;
    const auto item = static_cast<ItemIndex>(i);
    if (std::binary_search(q.excluded.begin(), q.excluded.end(), item)) {
      continue;
    }
    double score = 0;
    for (size_t c = 0; c < s.dim(); ++c) {
      score += double{s.items.Row(i)[c]} * q.vector[c];
    }
    hits.push_back({item, static_cast<float>(score)});
  }
  std::sort(hits.begin(), hits.end(),
            [](const Hit& a, const Hit& b) { return a.score > b.score; });
  hits.resize(std::min(hits.size(), q.k));
  return hits;
}

void ExpectSameHits(const std::vector<Hit>& actual,
                    const std::vector<Hit>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  std::set<ItemIndex> distinct;
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i].score, expected[i].score, 1e-5) << "rank " << i;
    distinct.insert(actual[i].item);
  }
  EXPECT_EQ(distinct.size(), actual.size());
}

using Builder =
    absl::StatusOr<std::unique_ptr<SearchIndex>> (*)(const Snapshot&);

// Every exact index keeps the same promise.
class ExactIndexTest
    : public testing::TestWithParam<std::pair<const char*, Builder>> {
 protected:
  absl::StatusOr<std::unique_ptr<SearchIndex>> Build(const Snapshot& s) const {
    return GetParam().second(s);
  }
};

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildOnGpu(
    const Snapshot& snapshot) {
  return BuildGpuIndex(snapshot, 0);
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, ExactIndexTest,
    testing::Values(std::make_pair("Flat", &BuildFlatIndex),
                    std::make_pair("Quantised", &BuildQuantisedIndex)),
    [](const auto& kind) { return kind.param.first; });

// On a GPU where there is one; gpu_index_test says where there is none.
std::vector<std::pair<const char*, Builder>> GpuKinds() {
  std::vector<std::pair<const char*, Builder>> kinds;
  if (device::NumGpus() == 0) return kinds;
  kinds.push_back({"Gpu", &BuildOnGpu});
  return kinds;
}
INSTANTIATE_TEST_SUITE_P(OnGpu, ExactIndexTest, testing::ValuesIn(GpuKinds()),
                         [](const auto& kind) { return kind.param.first; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ExactIndexTest);

// Random catalogues, filters of every selectivity, histories of every length.
// Some 6,000 queries for each kind of index; $TAUD_ROUNDS raises it.
TEST_P(ExactIndexTest, ExactlyTheBestEligibleWhateverTheFilter) {
  const char* wanted = std::getenv("TAUD_ROUNDS");
  const int kRounds = wanted == nullptr ? 300 : std::atoi(wanted);
  std::mt19937 random(7);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const size_t items = 1 + random() % 3000;
    const size_t dim = round % 4 == 0 ? 1 + random() % 70 : 8;
    const Snapshot snapshot =
        MakeSnapshot(items, dim, static_cast<int>(random() % 3), round);
    auto index = Build(snapshot);
    ASSERT_TRUE(index.ok()) << index.status();

    const size_t n = 1 + random() % 40;
    model::Matrix vectors(n, dim);
    FillUnitRows(&random, &vectors);
    std::vector<Bitmap> eligible(n);
    std::vector<std::vector<ItemIndex>> excluded(n);
    std::vector<Query> queries(n);
    for (size_t q = 0; q < n; ++q) {
      std::set<ItemIndex> seen;
      const size_t count = random() % (1 + random() % (1 + 2 * items));
      for (size_t i = 0; i < count; ++i) seen.insert(random() % (items + 5));
      excluded[q].assign(seen.begin(), seen.end());
      queries[q].vector = vectors.Row(q);
      queries[q].k = random() % (random() % 2 ? 30 : 1200);
      queries[q].excluded = excluded[q];
      if (random() % 2 == 0) continue;
      eligible[q].Assign(items + random() % 3, false);
      const uint32_t per_mille = random() % 1001;
      for (size_t i = 0; i < items; ++i) {
        if (random() % 1000 < per_mille) eligible[q].Set(i);
      }
      queries[q].eligible = &eligible[q];
    }

    std::vector<std::vector<Hit>> results;
    ASSERT_TRUE((*index)->Search(queries, &results).ok());
    ASSERT_EQ(results.size(), n);
    for (size_t q = 0; q < n; ++q) {
      SCOPED_TRACE(testing::Message() << "query " << q);
      ExpectSameHits(results[q], BruteForce(snapshot, queries[q]));
      for (const Hit& hit : results[q]) {
        EXPECT_GT(snapshot.item_popularity[hit.item], 0u);
        EXPECT_EQ(std::count(excluded[q].begin(), excluded[q].end(), hit.item),
                  0);
        if (queries[q].eligible != nullptr) {
          EXPECT_TRUE(queries[q].eligible->Test(hit.item));
        }
      }
    }
  }
}

TEST_P(ExactIndexTest, WhatReachesTheFloorIsFoundAsWithoutOne) {
  std::mt19937 random(8);
  size_t left_out = 0;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const Snapshot snapshot = MakeSnapshot(1 + random() % 3000, 8, 1, round);
    auto index = Build(snapshot);
    ASSERT_TRUE(index.ok()) << index.status();
    const size_t n = 1 + random() % 20;
    model::Matrix vectors(n, 8);
    FillUnitRows(&random, &vectors);
    std::vector<Query> queries(n);
    for (size_t q = 0; q < n; ++q) {
      queries[q].vector = vectors.Row(q);
      queries[q].k = 1 + random() % 100;
    }
    std::vector<std::vector<Hit>> all, some;
    ASSERT_TRUE((*index)->Search(queries, &all).ok());
    for (size_t q = 0; q < n; ++q) {
      const size_t at = random() % (all[q].size() + 1);
      queries[q].floor = at < all[q].size() ? all[q][at].score - 1e-6f : 2.0f;
    }
    ASSERT_TRUE((*index)->Search(queries, &some).ok());
    for (size_t q = 0; q < n; ++q) {
      size_t reach = 0;
      while (reach < all[q].size() && all[q][reach].score >= queries[q].floor) {
        ++reach;
      }
      ASSERT_GE(some[q].size(), reach);
      ASSERT_LE(some[q].size(), all[q].size());
      left_out += all[q].size() - some[q].size();
      for (size_t i = 0; i < reach; ++i) {
        EXPECT_EQ(some[q][i].item, all[q][i].item);
        EXPECT_EQ(some[q][i].score, all[q][i].score);
      }
    }
  }
  // Only the scan over bytes saves work by it.
  EXPECT_EQ(left_out > 0, std::string(GetParam().first) == "Quantised");
}

TEST_P(ExactIndexTest, NothingTrainedFindsNothing) {
  const Snapshot snapshot = MakeSnapshot(20, 8, 10, 1);
  auto index = Build(snapshot);
  ASSERT_TRUE(index.ok());
  EXPECT_EQ((*index)->size(), 0u);
  const std::vector<float> vector(8, 0.1f);
  Query query;
  query.vector = vector.data();
  query.k = 5;
  std::vector<std::vector<Hit>> results;
  ASSERT_TRUE((*index)->Search({&query, 1}, &results).ok());
  EXPECT_THAT(results, testing::ElementsAre(testing::IsEmpty()));
}

TEST_P(ExactIndexTest, TiesComeInItemOrder) {
  Snapshot snapshot;
  snapshot.items = model::Matrix(6, 2);
  snapshot.item_popularity.assign(6, 1);
  for (size_t i = 0; i < 6; ++i) snapshot.items.Row(i)[0] = 1;
  auto index = Build(snapshot);
  ASSERT_TRUE(index.ok());
  const float vector[] = {1, 0};
  Query query;
  query.vector = vector;
  query.k = 6;
  std::vector<std::vector<Hit>> results;
  ASSERT_TRUE((*index)->Search({&query, 1}, &results).ok());
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(results[0][i].item, i);
}

// Rows that differ in what bytes cannot tell apart, and one coordinate that
// dwarfs the others: the bounds are wide, the results exact all the same.
TEST_P(ExactIndexTest, TellsNearTwinsApart) {
  constexpr size_t kItems = 2000;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  Snapshot snapshot;
  snapshot.items = model::Matrix(kItems, 16);
  snapshot.item_popularity.assign(kItems, 1);
  for (size_t i = 0; i < kItems; ++i) {
    float* row = snapshot.items.Row(i);
    double rest = 0;
    for (size_t c = 1; c < 16; ++c) {
      row[c] = 1e-4f * normal(random);
      rest += double{row[c]} * row[c];
    }
    row[0] = static_cast<float>(std::sqrt(1 - rest));
  }
  auto index = Build(snapshot);
  ASSERT_TRUE(index.ok());
  model::Matrix vectors(8, 16);
  FillUnitRows(&random, &vectors);
  for (size_t q = 0; q < vectors.rows; ++q) {
    // Nearly orthogonal to what all rows share.
    vectors.Row(q)[0] = 0;
    Query query;
    query.vector = vectors.Row(q);
    query.k = 10;
    std::vector<std::vector<Hit>> results;
    ASSERT_TRUE((*index)->Search({&query, 1}, &results).ok());
    const std::vector<Hit> expected = BruteForce(snapshot, query);
    ASSERT_EQ(results[0].size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(results[0][i].score, expected[i].score, 2e-8);
    }
  }
}

// The score of a pair does not depend on the company it is asked in.
TEST(QuantisedIndexTest, TheBatchDoesNotChangeTheScores) {
  const Snapshot snapshot = MakeSnapshot(500, 24, 0, 5);
  auto index = BuildQuantisedIndex(snapshot);
  ASSERT_TRUE(index.ok());
  std::vector<Query> queries(20);
  for (size_t q = 0; q < queries.size(); ++q) {
    queries[q].vector = snapshot.items.Row(q);
    queries[q].k = 30;
  }
  std::vector<std::vector<Hit>> together;
  ASSERT_TRUE((*index)->Search(queries, &together).ok());
  for (size_t q = 0; q < queries.size(); ++q) {
    std::vector<std::vector<Hit>> alone;
    ASSERT_TRUE((*index)->Search({&queries[q], 1}, &alone).ok());
    for (size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(alone[0][i].item, together[q][i].item);
      EXPECT_EQ(alone[0][i].score, together[q][i].score);
    }
  }
}

TEST_P(ExactIndexTest, AQueryWithoutAVectorIsRefused) {
  auto index = Build(MakeSnapshot(5, 8, 0, 1));
  ASSERT_TRUE(index.ok());
  Query query;
  query.k = 1;
  std::vector<std::vector<Hit>> results;
  EXPECT_EQ((*index)->Search({&query, 1}, &results).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace taud::index
