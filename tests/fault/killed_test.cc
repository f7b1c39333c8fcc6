// The daemon killed at named points keeps what it promised.

#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

using e2e::TemporaryDirectory;

// Everything that reaches a sync point, until the daemon is dead.
void UseUntilDead(const DaemonProcess& daemon, const std::string& backups,
                  AckRecord* record) {
  const ApiClient api(daemon);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10; ++i) {
      if (!Write(api, record, 50)) return;
    }
    if (round == 0) {
      if (!api.WaitStatus([](const v1::Status& status) {
            return status.ready() && status.checkpoint().number() > 0;
          })) {
        return;
      }
    }
    if (!Publish(api)) return;
    if (EraseOne(api, record).empty()) return;
    if (!WaitForErasures(api, record)) return;
    if (!Backup(api, absl::StrCat(backups, "/", round))) return;
  }
}

class KilledAtTest : public testing::TestWithParam<std::string> {};

TEST_P(KilledAtTest, KeepsItsPromises) {
  TemporaryDirectory directory;
  TemporaryDirectory backups;
  AckRecord record(1);
  {
    DaemonProcess daemon(directory.path(), FaultOptions(), GetParam());
    if (daemon.WaitUntilServing()) {
      UseUntilDead(daemon, backups.path(), &record);
    }
    ASSERT_EQ(daemon.Wait(), 128 + SIGKILL) << daemon.log();
  }
  const AckRecord::Verdict after_kill = record.Check(directory.path(), true);
  EXPECT_TRUE(after_kill.good()) << after_kill.ToString();
  {
    DaemonProcess daemon(directory.path(), FaultOptions());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    EXPECT_TRUE(WaitForErasures(api, &record));
    // What was on its way is sent again and stored once.
    const std::vector<v1::Interaction> again = record.UnacknowledgedBatch();
    if (!again.empty()) {
      v1::WriteInteractionsRequest request;
      for (const auto& one : again) *request.add_interactions() = one;
      v1::WriteInteractionsResponse response;
      ASSERT_TRUE(api.Write(request, &response).ok());
      record.Acknowledged(
          again, {response.sequences().begin(), response.sequences().end()});
    }
    EXPECT_TRUE(Write(api, &record, 10));
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  }
  const AckRecord::Verdict at_end = record.Check(directory.path(), true);
  EXPECT_TRUE(at_end.good()) << at_end.ToString();
  ExpectWhole(directory.path());
}

INSTANTIATE_TEST_SUITE_P(
    Points, KilledAtTest,
    testing::Values("log/before-write:kill@30", "log/before-ack:kill@30",
                    "log/written:kill@60", "log/written:power-cut@60",
                    "log/synced:power-cut@60", "log/before-ack:power-cut@30",
                    "log/compaction:power-cut", "erasure/log:power-cut",
                    "log/compaction:kill", "checkpoint/written:kill@2",
                    "checkpoint/renamed:kill@2", "snapshot/written:kill@2",
                    "snapshot/renamed:kill", "snapshot/replacing:kill",
                    "publisher/swap:kill@3", "erasure/written:kill",
                    "erasure/memory:kill", "erasure/serving:kill",
                    "erasure/snapshots:kill", "erasure/checkpoints:kill",
                    "erasure/purging:kill", "erasure/log:kill",
                    "backup/log:kill", "backup/written:kill"),
    [](const auto& point) {
      std::string name = point.param.substr(0, point.param.find('@'));
      for (char& c : name) {
        if (!isalnum(static_cast<unsigned char>(c))) c = '_';
      }
      return name;
    });

}  // namespace
}  // namespace taud::fault
