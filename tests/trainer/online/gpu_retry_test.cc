#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "trainer/online/learner_place.h"

namespace taud::trainer {
namespace {

// The snapshots, counted from the first error, at which the GPU is tried, if it
// fails each time.
std::vector<int> Tries(int snapshots) {
  GpuRetry retry;
  retry.NoteError();
  std::vector<int> tries;
  for (int snapshot = 1; snapshot <= snapshots; ++snapshot) {
    if (!retry.DueAtSnapshot()) continue;
    tries.push_back(snapshot);
    retry.NoteError();
  }
  return tries;
}

TEST(GpuRetryTest, WaitsTwiceAsLongEachTimeUpToABound) {
  EXPECT_THAT(Tries(600),
              testing::ElementsAre(2, 6, 14, 30, 62, 126, 254, 382, 510));
}

TEST(GpuRetryTest, NothingIsOwedWithoutAnErrorOrAfterATry) {
  GpuRetry retry;
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(retry.DueAtSnapshot());
  retry.NoteError();
  EXPECT_FALSE(retry.DueAtSnapshot());
  EXPECT_TRUE(retry.DueAtSnapshot());
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(retry.DueAtSnapshot());
}

}  // namespace
}  // namespace taud::trainer
