#include "server/api/history_keeper.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

v1::Status StatusAt(int64_t now_ms, uint64_t last, uint64_t learnt) {
  v1::Status status;
  status.set_now_ms(now_ms);
  status.mutable_log()->set_last_sequence(last);
  status.mutable_log()->set_appended(last);
  status.mutable_trainer()->set_trained_through(learnt);
  status.mutable_trainer()->set_steps(1);
  status.mutable_trainer()->set_tau0(0.25);
  status.mutable_serving()->set_snapshot_trained_through(learnt / 2);
  return status;
}

TEST(SamplerTest, MakesRatesAndLagsOfTotals) {
  CallFigures calls;
  Sampler sampler(&calls);
  Sample sample = sampler.Take(100, StatusAt(1000, 10, 10));
  EXPECT_TRUE(std::isnan(sample[Figure::kAnswersPerSecond]));
  EXPECT_TRUE(std::isnan(sample[Figure::kHitRate]));  // nothing evaluated
  EXPECT_EQ(sample[Figure::kTrainLag], 0);
  EXPECT_EQ(sample[Figure::kServeLag], 0);

  for (int i = 0; i < 10; ++i) calls.answers.Add(absl::Milliseconds(1));
  calls.failed_answers = 5;
  sampler.Watch(102, StatusAt(3000, 20, 10));
  v1::Status status = StatusAt(6000, 30, 10);
  status.mutable_quality()->set_events(7);
  status.mutable_quality()->mutable_hit_rate_10()->set_value(0.5);
  sample = sampler.Take(105, status);
  EXPECT_EQ(sample.time_ms, 6000);
  EXPECT_EQ(sample[Figure::kAnswersPerSecond], 2);
  EXPECT_EQ(sample[Figure::kErrorsPerSecond], 1);
  EXPECT_EQ(sample[Figure::kInteractionsPerSecond], 4);
  EXPECT_NEAR(sample[Figure::kAnswerP50], 1e-3, 2.5e-4);
  EXPECT_TRUE(std::isnan(sample[Figure::kAckP50]));
  EXPECT_EQ(sample[Figure::kTrainLag], 3);  // 11 to 20 came by 102
  EXPECT_EQ(sample[Figure::kServeLag], 5);
  EXPECT_EQ(sample[Figure::kTau0], 0.25);
  EXPECT_EQ(sample[Figure::kHitRate], 0.5);
}

TEST(SamplerTest, BeforeLearningThereIsNothingLearnt) {
  CallFigures calls;
  v1::Status status = StatusAt(1000, 0, 0);
  status.mutable_trainer()->clear_steps();
  EXPECT_TRUE(std::isnan(Sampler(&calls).Take(1, status)[Figure::kTau0]));
}

class HistoryKeeperTest : public testing::Test {
 protected:
  HistoryKeeperTest() {
    options_.path = directory_ / "history";
    options_.look_interval = absl::Milliseconds(1);
    options_.looks_per_sample = 1;
  }

  // Keeps a history until it has a sample, and gives it.
  std::string KeepOne() {
    absl::Notification two;
    int looks = 0;
    HistoryKeeper keeper(
        options_,
        [&] {
          // When the second look begins, the first sample is in.
          if (++looks == 2) two.Notify();
          return StatusAt(++now_ms_, 1, 1);
        },
        &calls_);
    keeper.Start();
    two.WaitForNotification();
    keeper.Stop();
    return keeper.Json(0);
  }

  // Its own: these tests run side by side.
  const store::TempDir directory_;
  HistoryKeeper::Options options_;
  CallFigures calls_;
  int64_t now_ms_ = 1000;
};

TEST_F(HistoryKeeperTest, SurvivesARestart) {
  const std::string before = KeepOne();
  EXPECT_GE(nlohmann::json::parse(before)["samples"].size(), 1u);
  const HistoryKeeper again(
      options_, [] { return v1::Status(); }, &calls_);
  EXPECT_EQ(again.Json(0), before);
}

TEST_F(HistoryKeeperTest, ADamagedFileBeginsAnew) {
  std::ofstream(options_.path) << "damaged";
  const HistoryKeeper keeper(
      options_, [] { return v1::Status(); }, &calls_);
  EXPECT_EQ(nlohmann::json::parse(keeper.Json(0))["samples"].size(), 0u);
  KeepOne();  // and is replaced
  const HistoryKeeper again(
      options_, [] { return v1::Status(); }, &calls_);
  EXPECT_GE(nlohmann::json::parse(again.Json(0))["samples"].size(), 1u);
}

TEST_F(HistoryKeeperTest, WhatCannotBeWrittenIsNoError) {
  options_.path = directory_ / "missing/history";
  KeepOne();
  EXPECT_FALSE(std::filesystem::exists(options_.path));
}

}  // namespace
}  // namespace taud::server
