// The daemon whose trainer is out of memory, is fed NaN, or finds a poisoned
// checkpoint; and the deterministic schedule, which a kill does not change.

#include <csignal>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "store/files/snapshot_files.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

using e2e::TemporaryDirectory;
using testing::HasSubstr;

TEST(TrainerFaultTest, OutOfMemoryEndsLearningAndNothingElse) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions(), "trainer/step:oom@40");
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, &record, 100));
  ASSERT_TRUE(api.WaitStatus([](const v1::Status& status) {
    return status.trainer().state() == "failed";
  }));
  EXPECT_THAT(api.Status().trainer().error(), HasSubstr("bad_alloc"));
  EXPECT_TRUE(Write(api, &record, 100));
  EXPECT_EQ(api.Status().phase(), "SERVING");
  // An erasure is finished without a trainer, too.
  EXPECT_FALSE(EraseOne(api, &record).empty());
  EXPECT_TRUE(WaitForErasures(api, &record));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  const AckRecord::Verdict verdict = record.Check(directory.path(), true);
  EXPECT_TRUE(verdict.good()) << verdict.ToString();
}

TEST(TrainerFaultTest, ASnapshotWithNanNeverServes) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions(),
                       "trainer/nan:inject@3");
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  ASSERT_NO_FATAL_FAILURE(WriteUntilReady(api, &record));
  // The third of the trainer's snapshots and all after it are bad.
  for (int i = 0; i < 3; ++i) Publish(api);
  ASSERT_TRUE(api.WaitStatus(
      [](const v1::Status& now) { return now.serving().rejected() > 0; }));
  EXPECT_FALSE(Publish(api));
  const v1::Status status = api.Status();
  EXPECT_THAT(status.serving().last_rejection(), HasSubstr("not finite"));
  EXPECT_TRUE(status.ready());
}

TEST(TrainerFaultTest, TrainingResumesFromItsCheckpoint) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_EQ(api.Status().checkpoint().resumed_from(), "checkpoint");
  EXPECT_TRUE(api.WaitStatus([](const v1::Status& status) {
    return status.trainer().backlog() == 0 && status.trainer().epochs() > 1;
  }));
}

TEST(TrainerFaultTest, APoisonedCheckpointIsPassedOver) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  const std::string root = store::CheckpointsIn(directory.path());
  const auto found = store::ListCheckpoints(root);
  ASSERT_TRUE(found.ok());
  ASSERT_FALSE(found->empty());
  const uint64_t newest = found->back().number;
  // Its checksum is right, and its contents are not.
  auto state = store::LoadCheckpoint(root, newest);
  ASSERT_TRUE(state.ok());
  (*state)->floats["items/values"][3] = std::nanf("");
  ASSERT_TRUE(store::SaveCheckpoint(root, **state).ok());
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("checkpoint passed over"));
  EXPECT_THAT(daemon.log(), HasSubstr("items/values is not finite"));
  const ApiClient api(daemon);
  EXPECT_EQ(api.Status().checkpoint().resumed_from(), "checkpoint");
  EXPECT_EQ(api.Status().checkpoint().number(), newest);
}

TEST(DeterministicTest, AKillChangesNothingOfWhatIsLearnt) {
  std::vector<std::string> options = FaultOptions();
  for (const char* more : {"trainer.schedule=deterministic",
                           "trainer.publish_interval_ms=60000"}) {
    options.push_back("--set");
    options.push_back(more);
  }
  std::vector<std::string> items(2);
  for (const bool killed : {false, true}) {
    TemporaryDirectory directory;
    AckRecord record(7);  // the same interactions both times
    auto daemon = std::make_unique<DaemonProcess>(directory.path(), options);
    ASSERT_TRUE(daemon->WaitUntilServing()) << daemon->log();
    for (int part = 0; part < 2; ++part) {
      auto api = std::make_unique<ApiClient>(*daemon);
      for (int i = 0; i < 8; ++i) ASSERT_TRUE(Write(*api, &record, 96));
      ASSERT_TRUE(api->WaitStatus([&](const v1::Status& status) {
        return status.trainer().backlog() == 0 &&
               status.trainer().state() == "idle";
      }));
      if (part == 0) {
        ASSERT_TRUE(api->WaitStatus([&](const v1::Status& status) {
          return !killed || status.checkpoint().number() > 0;
        }));
        if (!killed) continue;
        // More, so that the checkpoint is not all there is.
        api.reset();
        daemon->Kill();
        daemon = std::make_unique<DaemonProcess>(directory.path(), options);
        ASSERT_TRUE(daemon->WaitUntilServing()) << daemon->log();
        api = std::make_unique<ApiClient>(*daemon);
        EXPECT_EQ(api->Status().checkpoint().resumed_from(), "checkpoint");
      } else {
        ASSERT_TRUE(Publish(*api));
      }
    }
    daemon->Signal(SIGTERM);
    ASSERT_EQ(daemon->Wait(), 0) << daemon->log();
    const auto versions =
        store::SnapshotVersions(store::SnapshotsIn(directory.path()));
    ASSERT_TRUE(versions.ok());
    const auto snapshot = store::LoadSnapshot(
        store::SnapshotsIn(directory.path()), versions->back());
    ASSERT_TRUE(snapshot.ok());
    const auto& values = (*snapshot)->items.values;
    items[killed].assign(reinterpret_cast<const char*>(values.data()),
                         values.size() * sizeof(float));
  }
  EXPECT_FALSE(items[0].empty());
  EXPECT_TRUE(items[0] == items[1]) << "not the same bits";
}

}  // namespace
}  // namespace taud::fault
