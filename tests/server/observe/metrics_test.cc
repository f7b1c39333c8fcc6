#include "server/observe/metrics.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/observe/process_families.h"
#include "tests/server/observe/family_text.h"

namespace taud::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public testing::Test {
 protected:
  std::string Scrape() {
    return metrics_.Scrape(v1::Status(), Batcher::Stats());
  }
  Metrics metrics_;
};

TEST_F(MetricsTest, SeriesAppearWhenTheyAreUsed) {
  EXPECT_THAT(Scrape(), Not(HasSubstr("method=")));
  EXPECT_THAT(Scrape(), Not(HasSubstr("reason=")));
  EXPECT_THAT(Scrape(), Not(HasSubstr("taud_decisions_total")));
  metrics_.CountRpc(RpcMethod::kGetItem, 5, absl::Milliseconds(1));
  metrics_.CountRpc(RpcMethod::kGetItem, 5, absl::Milliseconds(1));
  metrics_.CountRefused(Refusal::kRate);
  metrics_.CountDecision(v1::Decision::KIND_ROLLED_BACK);
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("taud_rpc_requests_total{code=\"NOT_FOUND\","
                              "method=\"GetItem\"} 2"));
  EXPECT_THAT(text, Not(HasSubstr("code=\"OK\"")));
  EXPECT_THAT(text, HasSubstr("taud_rpc_latency_seconds_count{"
                              "method=\"GetItem\"} 2"));
  EXPECT_THAT(text, HasSubstr("taud_refused_total{reason=\"rate\"} 1"));
  EXPECT_THAT(text, HasSubstr("taud_decisions_total{kind=\"rolled_back\"} 1"));
  EXPECT_EQ(metrics_.requests(), 2u);
  EXPECT_EQ(metrics_.errors(), 2u);
}

TEST_F(MetricsTest, HowLongAStreamIsOpenIsNoLatency) {
  metrics_.CountRpc(RpcMethod::kIngest, 0, absl::Hours(1));
  metrics_.CountRpc(RpcMethod::kWatchStatus, 1, absl::Hours(1));
  EXPECT_THAT(Scrape(), HasSubstr("method=\"WatchStatus\"} 1"));
  EXPECT_THAT(Scrape(), Not(HasSubstr("taud_rpc_latency_seconds_count")));
}

TEST_F(MetricsTest, AnUnknownCodeOrDecisionBreaksNothing) {
  metrics_.CountRpc(RpcMethod::kGetItem, 99, absl::Milliseconds(1));
  metrics_.CountDecision(static_cast<v1::Decision::Kind>(99));
  EXPECT_THAT(Scrape(), HasSubstr("code=\"UNKNOWN\""));
}

TEST_F(MetricsTest, FreshnessIsOfEachInteraction) {
  metrics_.CountAck(3, 3, absl::Milliseconds(1));
  metrics_.CountAck(2, 5, absl::Milliseconds(1));
  metrics_.NoteTrained(3);
  EXPECT_THAT(Scrape(),
              HasSubstr("taud_freshness_seconds_count{stage=\"trained\"} 3"));
  metrics_.NoteTrained(5);
  metrics_.NoteServable(5);
  EXPECT_THAT(Scrape(),
              HasSubstr("taud_freshness_seconds_count{stage=\"trained\"} 5"));
  EXPECT_THAT(Scrape(),
              HasSubstr("taud_freshness_seconds_count{stage=\"servable\"} 5"));
}

TEST_F(MetricsTest, QualityIsAskedForAtEachScrape) {
  uint64_t events = 0;
  metrics_.SetQuality([&events] {
    v1::Quality quality;
    quality.mutable_evaluation()->set_evaluated(++events);
    return quality;
  });
  EXPECT_THAT(Scrape(), HasSubstr("taud_evaluation_events_total 1"));
  EXPECT_THAT(Scrape(), HasSubstr("taud_evaluation_events_total 2"));
}

TEST(ProcessFamiliesTest, WhatTheKernelSays) {
  const auto times = ParseProcessStat(
      "7 (a) name) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 5 6 20 0 9 0 4200 "
      "1048576 256 18446744073709551615 1");
  ASSERT_TRUE(times.has_value());
  EXPECT_EQ(times->user_ticks, 150);
  EXPECT_EQ(times->system_ticks, 50);
  EXPECT_EQ(times->start_ticks, 4200);
  EXPECT_EQ(times->virtual_bytes, 1048576);
  EXPECT_EQ(times->resident_pages, 256);
  for (const char* bad : {"", "7 (name", "7 (name) S 1 2 3", "7 (n) S a b"}) {
    EXPECT_FALSE(ParseProcessStat(bad).has_value()) << bad;
  }
}

TEST(ProcessFamiliesTest, OfThisProcess) {
  std::vector<std::string> names;
  for (const auto& family : ProcessFamilies()) names.push_back(family.name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAre(
                  "taud_build_info", "process_cpu_seconds_total",
                  "process_start_time_seconds", "process_virtual_memory_bytes",
                  "process_resident_memory_bytes", "process_open_fds",
                  "process_max_fds"));
}

}  // namespace
}  // namespace taud::server
