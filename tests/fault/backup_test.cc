// Backups come back as they were; earlier snapshots serve again.

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/data_directory.h"
#include "store/verify.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

namespace fs = std::filesystem;
using e2e::TemporaryDirectory;
using testing::HasSubstr;

TEST(BackupTest, ABackupComesBackAsItWas) {
  TemporaryDirectory directory;
  TemporaryDirectory elsewhere;
  AckRecord record(1);
  const std::string backup = elsewhere.path() + "/backup";
  uint64_t last = 0;
  {
    DaemonProcess daemon(directory.path(), FaultOptions());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    ASSERT_NO_FATAL_FAILURE(WriteUntilReady(api, &record));
    ASSERT_TRUE(Publish(api));
    last = api.Status().log().last_sequence();
    ASSERT_TRUE(Backup(api, backup));
    EXPECT_FALSE(Backup(api, backup)) << "it exists";
    ASSERT_TRUE(Write(api, &record, 100));
  }
  const auto report = store::VerifyDataDirectory(backup, nullptr);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->backup);
  EXPECT_TRUE(report->problems.empty()) << report->problems[0].what;
  EXPECT_EQ(report->last_sequence, last);
  EXPECT_GE(report->snapshots, 1u);

  const std::string restored = elsewhere.path() + "/restored";
  {
    DaemonProcess restoring(restored, {"--restore", backup});
    EXPECT_EQ(restoring.Wait(), 0) << restoring.log();
  }
  {
    DaemonProcess again(restored, {"--restore", backup});
    EXPECT_EQ(again.Wait(), 1);
    EXPECT_THAT(again.log(), HasSubstr("is not empty"));
  }
  DaemonProcess daemon(restored, FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_EQ(api.Status().log().last_sequence(), last);
  EXPECT_TRUE(api.Status().ready());

  FlipByte(FirstFile(backup, "items.npy"), 0.5);
  DaemonProcess damaged(elsewhere.path() + "/other", {"--restore", backup});
  EXPECT_EQ(damaged.Wait(), 1);
  EXPECT_THAT(damaged.log(), HasSubstr("items.npy is damaged"));
  EXPECT_FALSE(fs::exists(elsewhere.path() + "/other"));
}

TEST(BackupTest, ABackupStaysBelowItsRoot) {
  TemporaryDirectory directory;
  TemporaryDirectory root;
  TemporaryDirectory elsewhere;
  std::vector<std::string> options = FaultOptions();
  options.push_back("--set");
  options.push_back(absl::StrCat("store.backup_root=", root.path()));
  DaemonProcess daemon(directory.path(), options);
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  const auto code = [&](const std::string& to) {
    grpc::ClientContext context;
    v1::BackupRequest request;
    request.set_directory(to);
    v1::BackupResponse response;
    return api.model->Backup(&context, request, &response).error_code();
  };
  const std::string outside = elsewhere.path() + "/backup";
  EXPECT_EQ(code(outside), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_FALSE(fs::exists(outside));
  EXPECT_EQ(code("backup"), grpc::StatusCode::INVALID_ARGUMENT);
  const std::string inside = root.path() + "/backup";
  // UNAVAILABLE until the upkeep has started.
  ASSERT_TRUE(api.WaitStatus([&](const v1::Status&) {
    return code(inside) != grpc::StatusCode::UNAVAILABLE;
  }));
  EXPECT_TRUE(fs::exists(inside));
}

TEST(RollbackTest, AnEarlierSnapshotServesUntilPublishAndAcrossARestart) {
  TemporaryDirectory directory;
  AckRecord record(1);
  uint64_t rolled_back_to = 0;
  const auto rollback = [](const ApiClient& api, uint64_t version,
                           v1::RollbackResponse* response) {
    grpc::ClientContext context;
    v1::RollbackRequest request;
    request.set_version(version);
    return api.model->Rollback(&context, request, response);
  };
  {
    DaemonProcess daemon(directory.path(), FaultOptions());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(Write(api, &record, 100));
    ASSERT_TRUE(api.WaitStatus(
        [](const v1::Status& status) { return status.ready(); }));
    // This one is on disk; one that follows at its interval may not be.
    rolled_back_to = PublishVersion(api);
    ASSERT_GT(rolled_back_to, 0u);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(Write(api, &record, 100));
    ASSERT_TRUE(Publish(api));
    v1::RollbackResponse response;
    EXPECT_EQ(rollback(api, 123456, &response).error_code(),
              grpc::StatusCode::NOT_FOUND);
    ASSERT_TRUE(rollback(api, rolled_back_to, &response).ok());
    EXPECT_EQ(response.version(), rolled_back_to);
    // The trainer goes on, and what it makes is held back.
    const uint64_t steps = api.Status().trainer().steps();
    ASSERT_TRUE(Write(api, &record, 100));
    ASSERT_TRUE(api.WaitStatus([&](const v1::Status& status) {
      return status.trainer().steps() > steps + 20;
    }));
    EXPECT_EQ(api.Status().serving().snapshot_version(), rolled_back_to);
    EXPECT_EQ(api.Status().serving().pinned_version(), rolled_back_to);
    daemon.Signal(SIGTERM);
    ASSERT_EQ(daemon.Wait(), 0) << daemon.log();
  }
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_EQ(api.Status().serving().snapshot_version(), rolled_back_to);
  ASSERT_TRUE(Publish(api));
  EXPECT_GT(api.Status().serving().snapshot_version(), rolled_back_to);
  EXPECT_EQ(api.Status().serving().pinned_version(), 0u);
}

}  // namespace
}  // namespace taud::fault
