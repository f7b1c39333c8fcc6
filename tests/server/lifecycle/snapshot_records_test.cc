#include "server/lifecycle/snapshot_records.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/lifecycle/decision_log.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

using testing::ElementsAre;

class SnapshotRecordsTest : public testing::Test {
 protected:
  store::TempDir directory_;
  const std::string path_ = directory_.path() + "/records.json";
};

v1::Verdict SomeVerdict() {
  v1::Verdict verdict;
  verdict.set_passed(true);
  v1::Check* check = verdict.add_checks();
  check->set_name("spread");
  check->set_value(.25);
  check->set_upper(.95);
  return verdict;
}

TEST_F(SnapshotRecordsTest, WhatWasWrittenIsThereAfterARestart) {
  SnapshotRecords records(path_);
  records.Load();
  records.SetVerdict(3, SomeVerdict());
  records.SetBad(4, true);
  v1::LiveFigures quality;
  quality.set_events(17);
  records.SetQuality(3, quality);
  ASSERT_TRUE(records.Write({3, 4}).ok());
  ASSERT_TRUE(records.Keep(3, "before-sale").ok());
  SnapshotRecords again(path_);
  again.Load();
  EXPECT_EQ(again.Of(3).verdict().checks(0).upper(), .95);
  EXPECT_EQ(again.Of(3).quality().events(), 17u);
  EXPECT_EQ(again.Of(3).kept_as(), "before-sale");
  EXPECT_THAT(again.Kept(), ElementsAre(3));
  EXPECT_THAT(again.Bad(), ElementsAre(4));
  EXPECT_EQ(again.Named("before-sale"), 3u);
  EXPECT_EQ(again.Named(""), 0u);
}

TEST_F(SnapshotRecordsTest, NamesAreCheckedAndGivenOnce) {
  SnapshotRecords records(path_);
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a/b"),
        std::string("\x1b[31m"), std::string(65, 'x')}) {
    EXPECT_EQ(records.Keep(1, name).code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
  ASSERT_TRUE(records.Keep(1, "one").ok());
  EXPECT_TRUE(records.Keep(1, "one").ok());
  EXPECT_EQ(records.Keep(2, "one").code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(records.Keep(1, "other").ok());
  EXPECT_TRUE(records.Keep(2, "one").ok());
  ASSERT_TRUE(records.Release(2).ok());
  EXPECT_EQ(records.Release(2).code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(records.Kept(), ElementsAre(1));
  for (size_t v = 2; v <= SnapshotRecords::kMaxKept; ++v) {
    ASSERT_TRUE(records.Keep(v, absl::StrCat("v", v)).ok()) << v;
  }
  EXPECT_EQ(records.Keep(1000, "more").code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(records.Keep(5, "renamed").ok());
}

// Those that are not on disk are forgotten, but for the newest few.
TEST_F(SnapshotRecordsTest, ItDoesNotGrow) {
  SnapshotRecords records(path_);
  for (model::SnapshotVersion v = 1; v <= 1000; ++v) {
    records.SetVerdict(v, SomeVerdict());
  }
  ASSERT_TRUE(records.Write({10, 20}).ok());
  EXPECT_TRUE(records.Of(10).has_verdict());
  EXPECT_TRUE(records.Of(1000).has_verdict());
  EXPECT_FALSE(records.Of(900).has_verdict());
  EXPECT_FALSE(records.Of(11).has_verdict());
}

TEST_F(SnapshotRecordsTest, ADamagedFileIsPutAside) {
  std::ofstream(path_) << "{\"snapshots\": [";
  SnapshotRecords records(path_);
  records.Load();
  EXPECT_TRUE(records.Kept().empty());
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged"));
  EXPECT_TRUE(records.Keep(1, "one").ok());
}

TEST_F(SnapshotRecordsTest, AnErasureGivesTheNextVersionTheSameVerdict) {
  SnapshotRecords records(path_);
  records.SetVerdict(1, SomeVerdict());
  ASSERT_TRUE(records.Keep(1, "one").ok());
  records.Copy(1, 2);
  EXPECT_TRUE(records.Of(2).verdict().passed());
  EXPECT_EQ(records.Of(2).kept_as(), "");
  EXPECT_EQ(records.Of(1).kept_as(), "one");
}

TEST(DecisionLogTest, TheLastThousandAreKeptNewestFirst) {
  const store::TempDir directory;
  const std::string path = directory.path() + "/decisions.json";
  int64_t second = 0;
  const auto now = [&second] {
    return absl::UnixEpoch() + absl::Seconds(++second);
  };
  {
    DecisionLog log(path, nullptr, now);
    log.Load();
    for (int i = 1; i <= 1005; ++i) {
      log.Add(v1::Decision::KIND_REJECTED, static_cast<uint64_t>(i), 0,
              absl::StrCat("no ", i));
    }
  }
  DecisionLog log(path, nullptr, now);
  log.Load();
  const auto newest = log.Newest(2000);
  ASSERT_EQ(newest.size(), 1000u);
  EXPECT_EQ(newest[0].text(), "no 1005");
  EXPECT_EQ(newest[0].time_ms(), 1005000);
  EXPECT_EQ(newest.back().version(), 6u);
  EXPECT_EQ(log.Newest(3).size(), 3u);
  std::ofstream(path) << "damaged";
  DecisionLog empty(path, nullptr, now);
  empty.Load();
  EXPECT_TRUE(empty.Newest(10).empty());
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
}

// Before the first snapshot there is no directory.
TEST(DecisionLogTest, WhatIsDecidedBeforeTheFirstSnapshotIsKept) {
  const store::TempDir directory;
  const std::string path = directory.path() + "/snapshots/decisions.json";
  DecisionLog(path).Add(v1::Decision::KIND_PAUSED, 0, 0, "learning is paused");
  DecisionLog again(path);
  again.Load();
  ASSERT_EQ(again.Newest(2).size(), 1u);
  EXPECT_EQ(again.Newest(1)[0].text(), "learning is paused");
}

}  // namespace
}  // namespace taud::server
