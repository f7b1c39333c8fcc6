#include "server/observe/status_families.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/observe/family_text.h"

namespace taud::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

TEST(StatusFamiliesTest, EachFieldIsTold) {
  const struct {
    std::function<void(v1::Status*)> set;
    std::vector<std::string> lines;
  } cases[] = {
      {[](v1::Status* s) { s->set_ready(true); }, {"taud_ready 1"}},
      {[](v1::Status* s) {
         v1::Problem* problem = s->add_problems();
         problem->set_code("writes_refused");
         problem->set_severity(v1::Problem::SEVERITY_CRITICAL);
       },
       {"# TYPE taud_problem gauge",
        "taud_problem{code=\"writes_refused\",severity=\"critical\"} 1"}},
      {[](v1::Status* s) {
         s->mutable_log()->set_appended(7);
         s->mutable_log()->set_duplicates(3);
         s->mutable_log()->set_write_errors(2);
         s->mutable_log()->set_refusing("disk");
         s->mutable_log()->set_pending_erasures(4);
       },
       {"# TYPE taud_log_appended_total counter", "taud_log_appended_total 7",
        "taud_log_duplicates_total 3", "taud_log_write_errors_total 2",
        "taud_log_refusing 1", "taud_erasures_pending 4"}},
      {[](v1::Status* s) {
         s->mutable_storage()->set_capacity_bytes(100);
         s->mutable_storage()->set_free_bytes(40);
         s->mutable_storage()->set_snapshot_bytes(9);
       },
       {"taud_disk_free_bytes 40", "taud_disk_size_bytes 100",
        "taud_data_bytes{part=\"snapshots\"} 9",
        "taud_data_bytes{part=\"log\"} 0"}},
      {[](v1::Status* s) {
         s->mutable_checkpoint()->set_number(1);
         s->mutable_checkpoint()->set_created_ms(1500);
         s->mutable_checkpoint()->set_errors(2);
       },
       {"taud_checkpoint_timestamp_seconds 1.5",
        "taud_checkpoint_errors_total 2"}},
      {[](v1::Status* s) {
         s->mutable_trainer()->set_state("paused");
         s->mutable_trainer()->set_steps(12);
         s->mutable_trainer()->set_device("cuda:0");
       },
       {"taud_trainer_state{state=\"paused\"} 1",
        "taud_trainer_state{state=\"failed\"} 0", "taud_trainer_steps_total 12",
        "taud_trainer_on_gpu 1"}},
      {[](v1::Status* s) {
         s->mutable_serving()->set_snapshot_version(5);
         s->mutable_serving()->set_snapshot_created_ms(2000);
         s->mutable_serving()->set_last_swap_ms(2500);
         s->mutable_serving()->set_rejected(3);
         s->mutable_serving()->set_rejected_in_a_row(2);
         s->mutable_serving()->set_automatic_rollbacks(1);
         s->mutable_serving()->set_forced(true);
       },
       {"taud_snapshot_version 5", "taud_snapshot_timestamp_seconds 2",
        "taud_snapshot_swap_timestamp_seconds 2.5",
        "taud_snapshot_rejected_total 3", "taud_snapshot_rejected_in_a_row 2",
        "taud_snapshot_automatic_rollbacks_total 1", "taud_snapshot_forced 1"}},
      {[](v1::Status* s) {
         s->mutable_index()->set_kind("flat");
         s->mutable_index()->set_device("cuda:0");
         s->mutable_index()->set_recall(1);
       },
       {"taud_index_on_gpu 1", "taud_index_recall 1"}},
      {[](v1::Status* s) {
         s->mutable_serving()->set_queued(6);
         s->mutable_serving()->set_expired(8);
       },
       {"taud_batcher_queued 6", "taud_batcher_expired_total 8"}},
  };
  for (const auto& c : cases) {
    v1::Status status;
    c.set(&status);
    EXPECT_THAT(FamilyText(StatusFamilies(status)), IsSupersetOf(c.lines));
  }
}

TEST(StatusFamiliesTest, WhatThereIsNoneOfHasNoSeries) {
  const std::vector<std::string> lines =
      FamilyText(StatusFamilies(v1::Status()));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("timestamp"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("taud_problem"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("taud_disk"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("taud_index_recall"))));
  EXPECT_THAT(lines, Contains("taud_snapshot_version 0"));
}

TEST(StatusFamiliesTest, CountersAreThoseThatEndInTotal) {
  for (const auto& family : StatusFamilies(v1::Status())) {
    const bool total = testing::Value(family.name, testing::EndsWith("_total"));
    EXPECT_EQ(family.type == prometheus::MetricType::Counter, total)
        << family.name;
    EXPECT_THAT(family.name, StartsWith("taud_"));
    EXPECT_FALSE(family.help.empty());
  }
}

TEST(StatusFamiliesTest, Lag) {
  const struct {
    uint64_t version, last, through, backlog, lag;
  } cases[] = {
      {3, 100, 90, 0, 10},   {3, 100, 100, 0, 0}, {3, 100, 120, 0, 0},
      {0, 5, 0, 0, 0},  // dislikes only: nothing to learn
      {0, 100, 0, 100, 100},
  };
  for (const auto& c : cases) {
    v1::Status status;
    status.mutable_serving()->set_snapshot_version(c.version);
    status.mutable_serving()->set_snapshot_trained_through(c.through);
    status.mutable_log()->set_last_sequence(c.last);
    status.mutable_trainer()->set_backlog(c.backlog);
    EXPECT_EQ(SnapshotLag(status), c.lag);
  }
}

}  // namespace
}  // namespace taud::server
