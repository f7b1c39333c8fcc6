#include "server/admission/admission.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

TEST(ClientRatesTest, ASecondsWorthAtOnceThenTheRate) {
  ClientRates rates(10);
  absl::Time now = absl::UnixEpoch();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rates.Admit("a", 1, now).ok());
  EXPECT_EQ(rates.Admit("a", 1, now).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(rates.Admit("b", 1, now).ok()) << "each has its own";
  now += absl::Milliseconds(100);
  EXPECT_TRUE(rates.Admit("a", 1, now).ok());
  EXPECT_FALSE(rates.Admit("a", 1, now).ok());
}

TEST(ClientRatesTest, ALargeBatchWaitsForAFullBucketAndIsPaidFor) {
  ClientRates rates(10);
  absl::Time now = absl::UnixEpoch();
  EXPECT_TRUE(rates.Admit("a", 30, now).ok());
  now += absl::Seconds(2);
  EXPECT_FALSE(rates.Admit("a", 1, now).ok()) << "20 in debt, paid by now: 0";
  now += absl::Seconds(1);
  EXPECT_TRUE(rates.Admit("a", 1, now).ok());
}

TEST(ClientRatesTest, SaysWhenToComeBack) {
  ClientRates rates(10);
  const absl::Time now = absl::UnixEpoch();
  EXPECT_TRUE(rates.Admit("a", 10, now).ok());
  const absl::Status refused = rates.Admit("a", 5, now);
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo")
                  .has_value());
}

TEST(ClientRatesTest, WhenItKnowsTooManyItSaysSoToo) {
  ClientRates rates(10);
  const absl::Time now = absl::UnixEpoch();
  for (size_t i = 0; i < ClientRates::kMaxClients; ++i) {
    ASSERT_TRUE(rates.Admit(absl::StrCat("c", i), 1, now).ok());
  }
  const absl::Status refused = rates.Admit("one more", 1, now);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo")
                  .has_value());
  EXPECT_TRUE(rates.Admit("one more", 1, now + absl::Seconds(3)).ok())
      << "the idle are forgotten";
}

TEST(ClientRatesTest, WithoutALimitNothingIsCounted) {
  ClientRates rates(0);
  EXPECT_TRUE(rates.unlimited());
  EXPECT_TRUE(rates.Admit("a", 1e9, absl::UnixEpoch()).ok());
}

TEST(ClientRatesTest, TheIdleAreForgottenWhenThereAreTooMany) {
  ClientRates rates(10);
  absl::Time now = absl::UnixEpoch();
  for (size_t i = 0; i < ClientRates::kMaxClients; ++i) {
    ASSERT_TRUE(rates.Admit(std::to_string(i), 1, now).ok());
  }
  EXPECT_FALSE(rates.Admit("one more", 1, now).ok());
  now += absl::Seconds(3);
  EXPECT_TRUE(rates.Admit("one more", 1, now).ok());
}

TEST(ClientOfTest, ThePortDoesNotMatter) {
  EXPECT_EQ(ClientOf("ipv4:10.0.0.1:4711"), "ipv4:10.0.0.1");
  EXPECT_EQ(ClientOf("ipv6:[::1]:4711"), "ipv6:[::1]");
  EXPECT_EQ(ClientOf("unix:/run/taud"), "unix:/run/taud");
}

TEST(MemoryBudgetTest, RefusesWhatDoesNotFitBesideOthers) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.Take(150)) << "alone anything passes";
  EXPECT_FALSE(budget.Take(1));
  budget.Give(150);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_TRUE(budget.Take(40));
  EXPECT_FALSE(budget.Take(1));
  EXPECT_EQ(budget.used(), 100u);
}

}  // namespace
}  // namespace taud::server
