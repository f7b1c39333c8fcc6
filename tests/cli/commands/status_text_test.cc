#include "cli/commands/status_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kPath[] =
    "/var/lib/taud-of-the-shop/snapshots-which-is-a-very-long-name/tmp.41";

v1::Status Busy() {
  v1::Status s;
  s.set_server_version("0.1.0");
  s.set_now_ms(2'000'000);
  s.set_started_ms(1'000'000);
  s.set_phase("SERVING");
  s.set_ready(true);
  s.set_summary("warning: snapshots not saved; info: version pinned");
  v1::Problem* problem = s.add_problems();
  problem->set_severity(v1::Problem::SEVERITY_WARNING);
  problem->set_code("snapshots_not_saved");
  problem->set_text(absl::StrCat("Snapshots cannot be saved: ", kPath,
                                 " cannot be written. They serve."));
  s.mutable_serving()->set_snapshot_version(41);
  s.mutable_serving()->set_snapshot_trained_through(900);
  s.mutable_serving()->set_pinned_version(41);
  s.mutable_serving()->set_requests(3000);
  s.mutable_serving()->set_last_rejection(kPath);
  s.mutable_log()->set_last_sequence(1000);
  s.mutable_log()->set_interactions(1000);
  s.mutable_trainer()->set_state("training");
  s.mutable_trainer()->set_device("cpu");
  v1::LiveFigures* quality = s.mutable_quality();
  quality->set_events(1234);
  quality->mutable_hit_rate_10()->set_value(.1234);
  quality->mutable_hit_rate_10()->set_low(.11);
  quality->mutable_hit_rate_10()->set_high(.13);
  quality->set_popularity_hit_rate_10(.05);
  s.mutable_storage()->set_capacity_bytes(uint64_t{100} << 30);
  s.mutable_storage()->set_free_bytes(uint64_t{50} << 30);
  return s;
}

// Without what the width decides: blanks and line breaks.
std::string Words(const std::string& text) {
  std::string words = text;
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](char c) { return absl::ascii_isspace(c); }),
              words.end());
  return words;
}

TEST(StatusTextTest, SaysWhatIsRankedBy) {
  v1::Status s = Busy();
  EXPECT_THAT(DescribeStatus(s, 500),
              HasSubstr("cosine; latest items 0, common taste as 0 "
                        "interactions, neighbourhood 0"));
  s.mutable_serving()->set_recent_weight(.1);
  s.mutable_serving()->set_prior_strength(2);
  s.mutable_serving()->set_neighbour_weight(.05);
  s.mutable_serving()->set_neighbour_power(.25);
  EXPECT_THAT(DescribeStatus(s, 500),
              HasSubstr("cosine; latest items 0.10, common taste as 2.00 "
                        "interactions, neighbourhood 0.05 by popularity to "
                        "the power of 0.25"));
  s.mutable_serving()->set_snapshot_version(0);
  EXPECT_THAT(DescribeStatus(s, 500), Not(HasSubstr("ranked by")));
}

// Whatever the width, every line fits and nothing of what is said is missing.
TEST(StatusTextTest, NothingIsCutAtAnyWidth) {
  const v1::Status s = Busy();
  for (const bool all : {true, false}) {
    const auto describe = [&](size_t width) {
      return all ? DescribeStatus(s, width)
                 : DescribeEssentials(s, nullptr, width);
    };
    for (const size_t width : {40u, 80u, 200u}) {
      const std::string text = describe(width);
      for (const absl::string_view line : absl::StrSplit(text, '\n')) {
        EXPECT_LE(line.size(), width) << line;
      }
      EXPECT_THAT(text, StartsWith("warning: snapshots not saved"));
      // What is told over several lines of a column has names beside it only in
      // its first line.
      EXPECT_THAT(Words(text), HasSubstr(Words(kPath))) << width;
      EXPECT_EQ(Words(text).size(), Words(describe(1000)).size()) << width;
    }
  }
}

TEST(StatusTextTest, EssentialsHaveQualityFreshnessAndRates) {
  v1::Status before = Busy();
  v1::Status now = Busy();
  now.set_now_ms(before.now_ms() + 2000);
  now.mutable_log()->set_last_sequence(1100);
  now.mutable_serving()->set_requests(3500);
  const std::string text = DescribeEssentials(now, &before, 200);
  EXPECT_THAT(text, HasSubstr("hit rate at 10 12.34 % (11.00 % to 13.00 %), "
                              "popularity 5.00 %"));
  EXPECT_THAT(text, HasSubstr("200 interactions behind"));
  EXPECT_THAT(text, HasSubstr("1,000 interactions (50.0/s)"));
  EXPECT_THAT(text, HasSubstr("3,500 (250.0/s)"));
  EXPECT_THAT(text, HasSubstr("version 41 (pinned)"));
  // Another process counts from nothing.
  before.set_started_ms(7);
  EXPECT_THAT(DescribeEssentials(now, &before, 200), HasSubstr("3,500, 0"));
}

TEST(StatusTextTest, WhatWasNamedByOthersIsInert) {
  v1::Status s = Busy();
  s.mutable_problems(0)->set_text("\x1b[2J");
  s.set_summary("\x1b[2J");
  EXPECT_EQ(DescribeStatus(s, 80).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace taud::cli
