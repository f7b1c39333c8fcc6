#include "server/observe/log_sampler.h"

#include <optional>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

TEST(LogSamplerTest, KeepsTheRateAndSaysHowManyWereLeftOut) {
  LogSampler sampler(/*per_second=*/2, /*burst=*/3);
  absl::Time now = absl::UnixEpoch();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sampler.Take(now), 0u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(sampler.Take(now), std::nullopt);
  now += absl::Milliseconds(400);
  EXPECT_EQ(sampler.Take(now), std::nullopt);
  now += absl::Milliseconds(100);
  EXPECT_EQ(sampler.Take(now), 11u);
  EXPECT_EQ(sampler.Take(now), std::nullopt);
  EXPECT_EQ(sampler.TakeLeftOut(), 1u);
  EXPECT_EQ(sampler.TakeLeftOut(), 0u);
  // A long silence gives no more than a burst.
  now += absl::Hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sampler.Take(now), 0u);
  EXPECT_EQ(sampler.Take(now), std::nullopt);
}

}  // namespace
}  // namespace taud::server
