#include "server/admission/credential_limits.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

using testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1000);

auth::Limits RequestsPerSecond(double requests) {
  auth::Limits limits;
  limits.requests_per_second = requests;
  return limits;
}

Cost Requests(double requests) {
  Cost cost;
  cost.requests = requests;
  return cost;
}

TEST(CredentialLimitsTest, ASecondsWorthAtOnceAndThenTheRate) {
  CredentialLimits limits;
  const auth::Limits ten = RequestsPerSecond(10);
  const Cost one = Requests(1);
  const auto charge = [&](const std::string& key, absl::Time now) {
    return limits.Charge(key, "shop", ten, one, now);
  };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(charge("a", kStart).ok()) << i;
  const absl::Status refused = charge("a", kStart);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("shop may take 10 (requests_per_second"));
  EXPECT_TRUE(charge("b", kStart).ok()) << "another credential";
  EXPECT_TRUE(charge("a", kStart + absl::Milliseconds(100)).ok());
  EXPECT_FALSE(charge("a", kStart + absl::Milliseconds(100)).ok());
}

TEST(CredentialLimitsTest, WhatIsRefusedTakesNothing) {
  CredentialLimits limits;
  auth::Limits both;
  both.requests_per_second = 100;
  both.bytes_per_second = 1000;
  Cost large;
  large.requests = 1;
  large.bytes = 600;
  EXPECT_TRUE(limits.Charge("a", "shop", both, large, kStart).ok());
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(limits.Charge("a", "shop", both, large, kStart).ok());
  }
  EXPECT_TRUE(limits.Charge("a", "shop", both, Requests(1), kStart).ok());
}

TEST(CredentialLimitsTest, MoreThanASecondsWorthPassesWhenNothingWasTaken) {
  CredentialLimits limits;
  auth::Limits few;
  few.interactions_per_second = 100;
  Cost batch;
  batch.interactions = 1000;
  EXPECT_TRUE(limits.Charge("a", "etl", few, batch, kStart).ok());
  // Paid for by waiting.
  EXPECT_FALSE(
      limits.Charge("a", "etl", few, batch, kStart + absl::Seconds(5)).ok());
  EXPECT_TRUE(
      limits.Charge("a", "etl", few, batch, kStart + absl::Seconds(10)).ok());
}

TEST(CredentialLimitsTest, AStreamsPlaceIsGivenBack) {
  CredentialLimits limits;
  auth::Limits two;
  two.streams = 2;
  auto first = limits.OpenStream("a", "etl", two, kStart);
  auto second = limits.OpenStream("a", "etl", two, kStart);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.OpenStream("a", "etl", two, kStart).status()));
  EXPECT_TRUE(limits.OpenStream("b", "other", two, kStart).ok());
  first->reset();
  EXPECT_TRUE(limits.OpenStream("a", "etl", two, kStart).ok());
}

TEST(CredentialLimitsTest, WithoutLimitsEverythingPasses) {
  CredentialLimits limits;
  Cost cost;
  cost.requests = cost.interactions = cost.bytes = 1e9;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(limits.Charge("a", "shop", auth::Limits(), cost, kStart).ok());
    EXPECT_TRUE(limits.OpenStream("a", "shop", auth::Limits(), kStart).ok());
  }
}

TEST(CredentialLimitsTest, WhoIsInDebtIsNotForgotten) {
  CredentialLimits limits;
  const auth::Limits one = RequestsPerSecond(1);
  const Cost much = Requests(100);
  const Cost call = Requests(1);
  ASSERT_TRUE(limits.Charge("debtor", "shop", one, much, kStart).ok());
  for (size_t c = 1; c < CredentialLimits::kMaxCredentials; ++c) {
    ASSERT_TRUE(limits.Charge(absl::StrCat(c), "shop", one, call, kStart).ok());
  }
  const absl::Time later = kStart + absl::Seconds(5);
  ASSERT_TRUE(limits.Charge("new", "shop", one, call, later).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.Charge("debtor", "shop", one, call, later)));
}

TEST(CredentialLimitsTest, RemembersSoManyAndForgetsTheIdle) {
  CredentialLimits limits;
  auth::Limits one;
  one.requests_per_second = 1;
  one.streams = 1;
  Cost call;
  call.requests = 1;
  const auto held = limits.OpenStream("stream", "etl", one, kStart);
  ASSERT_TRUE(held.ok());
  for (size_t c = 1; c < CredentialLimits::kMaxCredentials; ++c) {
    ASSERT_TRUE(limits.Charge(absl::StrCat(c), "shop", one, call, kStart).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.Charge("new", "shop", one, call, kStart)));
  const absl::Time later = kStart + absl::Seconds(1);
  EXPECT_TRUE(limits.Charge("new", "shop", one, call, later).ok());
  EXPECT_FALSE(limits.Charge("new", "shop", one, call, later).ok());
  // Who has a stream open is not forgotten.
  EXPECT_FALSE(limits.OpenStream("stream", "etl", one, later).ok());
}

}  // namespace
}  // namespace taud::server
