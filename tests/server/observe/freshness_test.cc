#include "server/observe/freshness.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

class FreshnessTest : public testing::Test {
 protected:
  absl::Time At(double seconds) {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }
  // Observations of at most a second, of at most ten, of all; and their sum.
  void Expect(uint64_t one, uint64_t ten, uint64_t all, double sum) {
    const auto histogram = seconds_.Collect().histogram;
    EXPECT_EQ(histogram.bucket[0].cumulative_count, one);
    EXPECT_EQ(histogram.bucket[1].cumulative_count, ten);
    EXPECT_EQ(histogram.sample_count, all);
    EXPECT_DOUBLE_EQ(histogram.sample_sum, sum);
  }

  const prometheus::Histogram::BucketBoundaries bounds_ = {1, 10};
  prometheus::Histogram seconds_{bounds_};
  Freshness freshness_{&seconds_, bounds_};
};

TEST_F(FreshnessTest, EachInteractionOnceItIsReached) {
  freshness_.Acknowledged(5, 5, At(0));
  freshness_.Acknowledged(2, 7, At(4));
  freshness_.Reached(4, At(5));
  Expect(0, 0, 0, 0);
  freshness_.Reached(7, At(5));
  Expect(2, 7, 7, 2 * 1 + 5 * 5);
  // A roll-back reaches nothing, and takes nothing back.
  freshness_.Reached(3, At(100));
  freshness_.Reached(7, At(100));
  Expect(2, 7, 7, 27);
}

TEST_F(FreshnessTest, WhatWasReachedBeforeItWasAcknowledged) {
  freshness_.Reached(9, At(0));
  freshness_.Acknowledged(4, 9, At(1));
  freshness_.Acknowledged(0, 9, At(1));  // duplicates alone
  Expect(4, 4, 4, 0);
}

TEST_F(FreshnessTest, MemoryIsBoundedAndNothingLooksFresher) {
  const uint64_t marks = 3 * Freshness::kMaxMarks;
  for (uint64_t n = 1; n <= marks; ++n) {
    freshness_.Acknowledged(1, n, At(n == 1 ? 0 : 50));
  }
  freshness_.Reached(marks, At(50));
  const auto histogram = seconds_.Collect().histogram;
  EXPECT_EQ(histogram.sample_count, marks);
  EXPECT_GE(histogram.sample_sum, 50);
}

}  // namespace
}  // namespace taud::server
