#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "index/audit.h"
#include "index/builder/index_builder.h"
#include "index/hnsw_index.h"
#include "index/ivf_index.h"

namespace taud::index {
namespace {

// Items around `groups` directions, users among them: what embeddings are like.
model::Snapshot MakeClustered(size_t items, size_t users, size_t dim,
                              size_t groups, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal;
  model::Matrix centres(groups, dim);
  for (float& x : centres.values) x = normal(random);
  model::Snapshot snapshot;
  snapshot.items = model::Matrix(items, dim);
  snapshot.users = model::Matrix(users, dim);
  snapshot.item_popularity.assign(items, 1);
  snapshot.user_degree.assign(users, 1);
  for (model::Matrix* matrix : {&snapshot.items, &snapshot.users}) {
    for (size_t r = 0; r < matrix->rows; ++r) {
      const float* centre = centres.Row(random() % groups);
      double norm = 0;
      for (size_t c = 0; c < dim; ++c) {
        matrix->Row(r)[c] = centre[c] + 0.5f * normal(random);
        norm += double{matrix->Row(r)[c]} * matrix->Row(r)[c];
      }
      for (size_t c = 0; c < dim; ++c) {
        matrix->Row(r)[c] /= static_cast<float>(std::sqrt(norm));
      }
    }
  }
  return snapshot;
}

void ExpectExactlyKOfTheEligible(const SearchIndex& index,
                                 const model::Snapshot& snapshot, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  for (int round = 0; round < 200; ++round) {
    model::Bitmap eligible(snapshot.items.rows, false);
    const uint32_t per_mille = random() % 1001;
    for (size_t i = 0; i < snapshot.items.rows; ++i) {
      if (random() % 1000 < per_mille) eligible.Set(i);
    }
    Query query;
    query.vector = snapshot.users.Row(random() % snapshot.users.rows);
    query.k = 1 + random() % 300;
    if (round % 3 != 0) query.eligible = &eligible;
    std::set<model::ItemIndex> seen;
    while (seen.size() < random() % 60) {
      seen.insert(random() % snapshot.items.rows);
    }
    const std::vector<model::ItemIndex> excluded(seen.begin(), seen.end());
    query.excluded = excluded;
    size_t allowed = 0;
    for (size_t i = 0; i < snapshot.items.rows; ++i) {
      allowed += (query.eligible == nullptr || eligible.Test(i)) &&
                 seen.count(static_cast<model::ItemIndex>(i)) == 0;
    }
    std::vector<std::vector<Hit>> results;
    ASSERT_TRUE(index.Search({&query, 1}, &results).ok());
    ASSERT_EQ(results[0].size(), std::min(query.k, allowed));
    std::set<model::ItemIndex> distinct;
    for (size_t h = 0; h < results[0].size(); ++h) {
      const Hit& hit = results[0][h];
      EXPECT_TRUE(query.eligible == nullptr || eligible.Test(hit.item));
      EXPECT_EQ(seen.count(hit.item), 0u);
      distinct.insert(hit.item);
      if (h == 0) continue;
      EXPECT_LE(hit.score, results[0][h - 1].score);
    }
    EXPECT_EQ(distinct.size(), results[0].size());
  }
}

TEST(IvfIndexTest, FindsEnoughInAFewListsAndExactlyK) {
  const model::Snapshot snapshot = MakeClustered(20000, 500, 16, 60, 1);
  model::Matrix centroids;
  auto index = BuildIvfIndex(snapshot, 0.95, &centroids);
  ASSERT_TRUE(index.ok()) << index.status();
  const IndexReport report = (*index)->report();
  EXPECT_GE(report.recall, 0.95);
  EXPECT_GT(report.audited, 100u);
  EXPECT_LE(report.probes, report.lists / 4);
  EXPECT_EQ(centroids.rows, report.lists);
  ExpectExactlyKOfTheEligible(**index, snapshot, 2);

  // Goes on from the centroids of the last one.
  auto again = BuildIvfIndex(snapshot, 0.95, &centroids);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_GE((*again)->report().recall, 0.95);
}

TEST(HnswIndexTest, FindsEnoughAndExactlyK) {
  const model::Snapshot snapshot = MakeClustered(3000, 300, 16, 20, 3);
  auto index = BuildHnswIndex(snapshot, 0.95);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_GE((*index)->report().recall, 0.95);
  ExpectExactlyKOfTheEligible(**index, snapshot, 4);
}

// Uniform vectors have no structure an inverted file could use: it must not
// serve, and exact search does instead.
TEST(IndexBuilderTest, TooLittleRecallIsNotServed) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  model::Snapshot snapshot = MakeClustered(3000, 200, 48, 3000, 5);
  for (model::Matrix* matrix : {&snapshot.items, &snapshot.users}) {
    for (size_t r = 0; r < matrix->rows; ++r) {
      double norm = 0;
      for (size_t c = 0; c < matrix->cols; ++c) {
        matrix->Row(r)[c] = normal(random);
        norm += double{matrix->Row(r)[c]} * matrix->Row(r)[c];
      }
      for (size_t c = 0; c < matrix->cols; ++c) {
        matrix->Row(r)[c] /= static_cast<float>(std::sqrt(norm));
      }
    }
  }
  IndexOptions options;
  options.kind = IndexKind::kIvf;
  options.min_recall = 0.999;
  IndexBuilder builder(options);
  auto index = builder.Build(snapshot);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ((*index)->report().kind, "flat_quantised")
      << (*index)->report().recall << " with " << (*index)->report().probes
      << " of " << (*index)->report().lists;
  EXPECT_NE((*index)->report().reason.find("min_recall"), std::string::npos);
}

TEST(IndexBuilderTest, NothingTrainedIsNoReasonToFail) {
  model::Snapshot snapshot;
  snapshot.items = model::Matrix(10, 8);
  snapshot.item_popularity.assign(10, 0);
  for (const IndexKind kind : {IndexKind::kAuto, IndexKind::kFlat,
                               IndexKind::kIvf, IndexKind::kHnsw}) {
    IndexOptions options;
    options.kind = kind;
    auto index = IndexBuilder(options).Build(snapshot);
    ASSERT_TRUE(index.ok()) << index.status();
    EXPECT_EQ((*index)->size(), 0u);
  }
}

TEST(IndexBuilderTest, AutoIsExactUntilThatIsSlow) {
  EXPECT_EQ(ChooseKind(41000, 64, 5), IndexKind::kFlatQuantised);
  EXPECT_EQ(ChooseKind(1000000, 64, 5), IndexKind::kFlatQuantised);
  EXPECT_EQ(ChooseKind(10000000, 64, 300), IndexKind::kIvf);
  // Built too slowly to follow the snapshots.
  EXPECT_EQ(ChooseKind(10000000, 64, 5), IndexKind::kFlatQuantised);
}

TEST(IndexBuilderTest, CalibratesLargeCataloguesOnce) {
  const model::Snapshot snapshot = MakeClustered(6000, 100, 16, 20, 6);
  IndexBuilder builder{IndexOptions()};
  auto index = builder.Build(snapshot);
  ASSERT_TRUE(index.ok());
  EXPECT_EQ((*index)->report().timings.size(), 3u);
  EXPECT_GT((*index)->report().timings[0].flat_us, 0);
}

TEST(AuditTest, RecallIsTheShareFound) {
  const std::vector<std::vector<Hit>> exact = {{{1, 0.f}, {2, 0.f}},
                                               {{3, 0.f}, {4, 0.f}}};
  EXPECT_EQ(Recall(exact, exact), 1);
  EXPECT_EQ(Recall(exact, {{{1, 0.f}, {9, 0.f}}, {}}), 0.25);
  EXPECT_EQ(Recall({}, {}), 1);
}

}  // namespace
}  // namespace taud::index
