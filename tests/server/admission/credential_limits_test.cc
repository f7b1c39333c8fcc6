#include "server/admission/credential_limits.h"

#include <string>
#include <vector>

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

// A credential and its limits.
std::vector<Limited> Of(const std::string& key, const std::string& name,
                        const auth::Limits& limits) {
  return {{key, name, "its credential", limits}};
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
    return limits.Charge(Of(key, "shop", ten), one, now);
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
  EXPECT_TRUE(limits.Charge(Of("a", "shop", both), large, kStart).ok());
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(limits.Charge(Of("a", "shop", both), large, kStart).ok());
  }
  EXPECT_TRUE(limits.Charge(Of("a", "shop", both), Requests(1), kStart).ok());
}

TEST(CredentialLimitsTest, MoreThanASecondsWorthPassesWhenNothingWasTaken) {
  CredentialLimits limits;
  auth::Limits few;
  few.interactions_per_second = 100;
  Cost batch;
  batch.interactions = 1000;
  EXPECT_TRUE(limits.Charge(Of("a", "etl", few), batch, kStart).ok());
  // Paid for by waiting.
  EXPECT_FALSE(
      limits.Charge(Of("a", "etl", few), batch, kStart + absl::Seconds(5))
          .ok());
  EXPECT_TRUE(
      limits.Charge(Of("a", "etl", few), batch, kStart + absl::Seconds(10))
          .ok());
}

TEST(CredentialLimitsTest, AStreamsPlaceIsGivenBack) {
  CredentialLimits limits;
  auth::Limits two;
  two.streams = 2;
  auto first = limits.OpenStream(Of("a", "etl", two), kStart);
  auto second = limits.OpenStream(Of("a", "etl", two), kStart);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.OpenStream(Of("a", "etl", two), kStart).status()));
  EXPECT_TRUE(limits.OpenStream(Of("b", "other", two), kStart).ok());
  first->reset();
  EXPECT_TRUE(limits.OpenStream(Of("a", "etl", two), kStart).ok());
}

// What two callers of a role have in common, beside their own.
TEST(CredentialLimitsTest, ARoleIsSharedByAllWhoCallWithIt) {
  CredentialLimits limits;
  const auto caller = [](const std::string& key, double own) {
    return std::vector<Limited>{
        {key, key, "its credential", RequestsPerSecond(own)},
        {"role:ingest", "the role ingest", "all who call with it",
         RequestsPerSecond(6)}};
  };
  const Cost one = Requests(1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(limits.Charge(caller("a", 4), one, kStart).ok()) << i;
  }
  // Of its own; and nothing of the role's is taken for it.
  for (int i = 0; i < 10; ++i) {
    const absl::Status own = limits.Charge(caller("a", 4), one, kStart);
    ASSERT_TRUE(absl::IsResourceExhausted(own));
    EXPECT_THAT(std::string(own.message()), HasSubstr("a may take 4"));
  }
  EXPECT_TRUE(limits.Charge(caller("b", 100), one, kStart).ok());
  EXPECT_TRUE(limits.Charge(caller("b", 100), one, kStart).ok());
  const absl::Status shared = limits.Charge(caller("b", 100), one, kStart);
  ASSERT_TRUE(absl::IsResourceExhausted(shared));
  EXPECT_THAT(std::string(shared.message()),
              HasSubstr("the role ingest may take 6 (requests_per_second of "
                        "all who call with it)"));
}

TEST(CredentialLimitsTest, AStreamHasAPlaceWithEachOrWithNone) {
  CredentialLimits limits;
  const auto caller = [](const std::string& key) {
    auth::Limits own;
    own.streams = 1;
    auth::Limits shared;
    shared.streams = 2;
    return std::vector<Limited>{
        {key, key, "its credential", own},
        {"role:ingest", "the role ingest", "all", shared}};
  };
  auto a = limits.OpenStream(caller("a"), kStart);
  ASSERT_TRUE(a.ok());
  EXPECT_FALSE(limits.OpenStream(caller("a"), kStart).ok());
  auto b = limits.OpenStream(caller("b"), kStart);
  ASSERT_TRUE(b.ok());
  // The role's are taken; c's own place is not.
  EXPECT_FALSE(limits.OpenStream(caller("c"), kStart).ok());
  a->reset();
  EXPECT_TRUE(limits.OpenStream(caller("c"), kStart).ok());
}

TEST(CredentialLimitsTest, WithoutLimitsEverythingPasses) {
  CredentialLimits limits;
  Cost cost;
  cost.requests = cost.interactions = cost.bytes = 1e9;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(
        limits.Charge(Of("a", "shop", auth::Limits()), cost, kStart).ok());
    EXPECT_TRUE(
        limits.OpenStream(Of("a", "shop", auth::Limits()), kStart).ok());
  }
}

TEST(CredentialLimitsTest, WhoIsInDebtIsNotForgotten) {
  CredentialLimits limits;
  const auth::Limits one = RequestsPerSecond(1);
  const Cost much = Requests(100);
  const Cost call = Requests(1);
  ASSERT_TRUE(limits.Charge(Of("debtor", "shop", one), much, kStart).ok());
  for (size_t c = 1; c < CredentialLimits::kMaxCredentials; ++c) {
    ASSERT_TRUE(
        limits.Charge(Of(absl::StrCat(c), "shop", one), call, kStart).ok());
  }
  const absl::Time later = kStart + absl::Seconds(5);
  ASSERT_TRUE(limits.Charge(Of("new", "shop", one), call, later).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.Charge(Of("debtor", "shop", one), call, later)));
}

TEST(CredentialLimitsTest, RemembersSoManyAndForgetsTheIdle) {
  CredentialLimits limits;
  auth::Limits one;
  one.requests_per_second = 1;
  one.streams = 1;
  Cost call;
  call.requests = 1;
  const auto held = limits.OpenStream(Of("stream", "etl", one), kStart);
  ASSERT_TRUE(held.ok());
  for (size_t c = 1; c < CredentialLimits::kMaxCredentials; ++c) {
    ASSERT_TRUE(
        limits.Charge(Of(absl::StrCat(c), "shop", one), call, kStart).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(
      limits.Charge(Of("new", "shop", one), call, kStart)));
  const absl::Time later = kStart + absl::Seconds(1);
  EXPECT_TRUE(limits.Charge(Of("new", "shop", one), call, later).ok());
  EXPECT_FALSE(limits.Charge(Of("new", "shop", one), call, later).ok());
  // Who has a stream open is not forgotten.
  EXPECT_FALSE(limits.OpenStream(Of("stream", "etl", one), later).ok());
}

}  // namespace
}  // namespace taud::server
