#include "server/rpc/host_rates.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(HostRatesTest, EachHostHasASecondsWorth) {
  HostRates rates(3);
  for (int c = 0; c < 3; ++c) EXPECT_TRUE(rates.Take("a", kNow));
  EXPECT_FALSE(rates.Take("a", kNow));
  EXPECT_TRUE(rates.Take("b", kNow));
  // What was refused costs nothing.
  EXPECT_FALSE(rates.Take("a", kNow + absl::Milliseconds(300)));
  EXPECT_TRUE(rates.Take("a", kNow + absl::Milliseconds(340)));
  EXPECT_FALSE(rates.Take("a", kNow + absl::Milliseconds(340)));
  // No more than a second's worth is kept.
  const absl::Time later = kNow + absl::Seconds(100);
  for (int c = 0; c < 3; ++c) EXPECT_TRUE(rates.Take("a", later));
  EXPECT_FALSE(rates.Take("a", later));
}

TEST(HostRatesTest, NoRateAndNoHostAreNotCounted) {
  HostRates none(0);
  HostRates one(1);
  for (int c = 0; c < 10; ++c) {
    EXPECT_TRUE(none.Take("a", kNow));
    EXPECT_TRUE(one.Take("", kNow));
  }
}

TEST(HostRatesTest, RemembersSoManyAndForgetsTheSilent) {
  HostRates rates(1);
  for (size_t h = 0; h < HostRates::kMaxHosts; ++h) {
    ASSERT_TRUE(rates.Take(absl::StrCat(h), kNow));
  }
  EXPECT_FALSE(rates.Take("0", kNow));
  // One more is not counted while there is no room, and is when there is.
  EXPECT_TRUE(rates.Take("new", kNow));
  EXPECT_TRUE(rates.Take("new", kNow));
  const absl::Time later = kNow + absl::Seconds(1);
  EXPECT_TRUE(rates.Take("new", later));
  EXPECT_FALSE(rates.Take("new", later));
}

}  // namespace
}  // namespace taud::server
