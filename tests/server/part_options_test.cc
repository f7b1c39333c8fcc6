#include "server/part_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "server/lifecycle/config_loader.h"

namespace taud::server {
namespace {

using ::testing::HasSubstr;

config::v1::Config Config() {
  config::v1::Config config = DefaultConfig();
  config.mutable_store()->set_data_dir("data");
  config.mutable_store()->set_min_free_mib(3);
  return config;
}

TEST(PartOptionsTest, UnitsBecomeBytesAndTimes) {
  config::v1::Config config = Config();
  config.mutable_ingestion()->set_max_queue_mib(2);
  config.mutable_ingestion()->set_dedup_hours(5);
  config.mutable_store()->set_retain_log_days(2);
  config.mutable_store()->set_retain_log_mib(7);
  config.mutable_store()->set_checkpoint_seconds(11);
  config.mutable_quality()->set_evaluation_percent(3);
  EXPECT_EQ(StoreOptions(config).max_queued_bytes, 2u << 20);
  EXPECT_EQ(StoreOptions(config).dedup_window_ms, 5 * 3'600'000);
  EXPECT_EQ(UpkeepOptions(config).retention.max_age_ms, 48 * 3'600'000);
  EXPECT_EQ(UpkeepOptions(config).retention.max_bytes, 7u << 20);
  EXPECT_EQ(TrainerOptions(config).checkpoint_interval, absl::Seconds(11));
  EXPECT_DOUBLE_EQ(QualityOptions(config).evaluation_share, .03);
}

// Whatever writes leaves the same room on the disk.
TEST(PartOptionsTest, EveryWriterIsToldHowMuchRoomToLeave) {
  const config::v1::Config config = Config();
  constexpr uint64_t kRoom = uint64_t{3} << 20;
  EXPECT_EQ(StoreOptions(config).min_free_bytes, kRoom);
  EXPECT_EQ(UpkeepOptions(config).min_free_bytes, kRoom);
  EXPECT_EQ(HistoryOptions(config).min_free_bytes, kRoom);
  const auto publisher = PublisherOptions(config);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  EXPECT_EQ(publisher->shelf.min_free_bytes, kRoom);
}

TEST(PartOptionsTest, EachHasItsPlaceInTheDataDirectory) {
  const config::v1::Config config = Config();
  EXPECT_EQ(StoreOptions(config).directory, "data/log");
  EXPECT_EQ(HistoryOptions(config).path, "data/history");
  const auto publisher = PublisherOptions(config);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  EXPECT_EQ(publisher->shelf.directory, "data/snapshots");
}

TEST(PartOptionsTest, NoThreadsMeansAllThereAre) {
  config::v1::Config config = Config();
  config.mutable_trainer()->set_threads(0);
  EXPECT_GE(TrainerOptions(config).threads, 1);
  config.mutable_trainer()->set_threads(3);
  EXPECT_EQ(TrainerOptions(config).threads, 3);
}

// A quarter of few descriptors, and no more than enough of many.
TEST(PartOptionsTest, ConnectionsLeaveDescriptorsToTheRest) {
  const config::v1::Config config = Config();
  EXPECT_EQ(AcceptorOptions(config, 400).reserve, 100u);
  EXPECT_EQ(AcceptorOptions(config, 1'000'000).reserve, 1024u);
}

TEST(PartOptionsTest, WhatNoPublisherCanHaveIsNamed) {
  config::v1::Config config = Config();
  config.mutable_serving()->set_device("tpu");
  const auto publisher = PublisherOptions(config);
  EXPECT_TRUE(absl::IsInvalidArgument(publisher.status()));
  EXPECT_THAT(publisher.status().message(), HasSubstr("serving.device"));
}

}  // namespace
}  // namespace taud::server
