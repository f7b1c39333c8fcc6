#include "server/api/latency_counts.h"

#include <cmath>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

TEST(LatencyCountsTest, BucketsHoldWhatTheirBoundsSay) {
  EXPECT_EQ(LatencyCounts::BucketOf(0), 0u);
  EXPECT_EQ(LatencyCounts::BucketOf(-1), 0u);
  EXPECT_EQ(LatencyCounts::BucketOf(NAN), 0u);
  EXPECT_EQ(LatencyCounts::BucketOf(1e9), LatencyCounts::kBuckets - 1);
  for (size_t b = 1; b + 1 < LatencyCounts::kBuckets; ++b) {
    EXPECT_EQ(LatencyCounts::BucketOf(LatencyCounts::Bound(b)), b);
    EXPECT_EQ(LatencyCounts::BucketOf(LatencyCounts::Bound(b) * 1.01), b + 1);
  }
  EXPECT_GT(LatencyCounts::Bound(LatencyCounts::kBuckets - 1), 20);
}

TEST(LatencyCountsTest, AQuantileIsOfWhatCameBetween) {
  LatencyCounts counts;
  for (int i = 0; i < 100; ++i) counts.Add(absl::Seconds(10));
  const LatencyCounts::Counts before = counts.Copy();
  EXPECT_TRUE(std::isnan(LatencyQuantile(before, before, 0.5)));
  for (int i = 0; i < 99; ++i) counts.Add(absl::Milliseconds(1));
  counts.Add(absl::Seconds(1));
  const LatencyCounts::Counts after = counts.Copy();
  for (const double q : {0.0, 0.5, 0.99}) {
    const double value = LatencyQuantile(before, after, q);
    EXPECT_GE(value, 1e-3) << q;
    EXPECT_LT(value, 1.25e-3) << q;
  }
  EXPECT_GE(LatencyQuantile(before, after, 1), 1);
  EXPECT_LT(LatencyQuantile(before, after, 1), 1.25);
}

}  // namespace
}  // namespace taud::server
