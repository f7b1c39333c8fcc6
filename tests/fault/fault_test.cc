// The daemon under faults: killed at named points, out of memory, fed with
// NaN, its checkpoints poisoned, its files damaged.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "store/files/snapshot_files.h"
#include "store/verify.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

namespace fs = std::filesystem;
using e2e::ApiClient;
using e2e::DaemonProcess;
using e2e::TemporaryDirectory;
using testing::HasSubstr;

bool Backup(const ApiClient& api, const std::string& directory) {
  grpc::ClientContext context;
  v1::BackupRequest request;
  request.set_directory(directory);
  v1::BackupResponse response;
  return api.model->Backup(&context, request, &response).ok();
}

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

void ExpectWhole(const std::string& directory) {
  const auto report = store::VerifyDataDirectory(directory, nullptr);
  ASSERT_TRUE(report.ok()) << report.status();
  for (const store::Problem& problem : report->problems) {
    ADD_FAILURE() << problem.what;
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

// --- The disk ----------------------------------------------------------------

// Turns the faults of tests/fault/faulty_disk.h on and off for the daemons
// that are started while it lives.
class DiskFaults {
 public:
  DiskFaults() { setenv("TAUD_DISK_FAULTS", directory_.path().c_str(), 1); }
  ~DiskFaults() { unsetenv("TAUD_DISK_FAULTS"); }
  void Begin(const std::string& name) {
    std::ofstream(directory_.path() + "/" + name);
  }
  void End(const std::string& name) {
    fs::remove(directory_.path() + "/" + name);
  }

 private:
  TemporaryDirectory directory_;
};

// The binary with the faulty disk, and no sync point that does anything.
constexpr char kNoPoint[] = "none:kill";

// The record of what was acknowledged is worth nothing if it does not notice;
// and the log's own list does.
TEST(DiskFaultTest, ADiskThatLiesAboutSyncsIsNoticedByTheLogAndTheRecord) {
  TemporaryDirectory directory;
  DiskFaults disk;
  AckRecord record(1);
  {
    DaemonProcess daemon(directory.path(), FaultOptions(),
                         "log/before-ack:power-cut@60");
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(Write(api, &record, 50));
    disk.Begin("drop-sync");
    while (Write(api, &record, 50)) {
    }
    ASSERT_EQ(daemon.Wait(), 128 + SIGKILL) << daemon.log();
  }
  {
    DaemonProcess daemon(directory.path(), FaultOptions());
    EXPECT_EQ(daemon.Wait(), 1);
    EXPECT_THAT(daemon.log(), HasSubstr("what is missing was acknowledged"));
  }
  // To go on without them, as the message says.
  fs::remove(store::LogIn(directory.path()) + "/log_list");
  const AckRecord::Verdict verdict = record.Check(directory.path(), false);
  EXPECT_GE(verdict.lost.size(), 50u) << verdict.ToString();
  EXPECT_GE(verdict.in_log, 20u * 50u);
}

TEST(DiskFaultTest, AReadOnlyDiskRefusesWritesAndServingGoesOn) {
  TemporaryDirectory directory;
  DiskFaults disk;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions(), kNoPoint);
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  ASSERT_NO_FATAL_FAILURE(WriteUntilReady(api, &record));

  disk.Begin("read-only");
  v1::WriteInteractionsRequest request;
  for (const auto& one : record.NewBatch(10)) *request.add_interactions() = one;
  v1::WriteInteractionsResponse response;
  const grpc::Status refused = api.Write(request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("Read-only file system"));
  // Checkpoints fail, too, and are counted.
  ASSERT_TRUE(api.WaitStatus([](const v1::Status& status) {
    return status.checkpoint().errors() > 0;
  }));
  v1::RecommendRequest recommend;
  recommend.set_user_id("stranger");
  recommend.set_k(5);
  v1::RecommendResponse answer;
  ASSERT_TRUE(api.Recommend(recommend, &answer).ok());
  EXPECT_EQ(answer.items_size(), 5);
  EXPECT_EQ(api.Status().phase(), "SERVING");

  disk.End("read-only");
  EXPECT_TRUE(Write(api, &record, 100));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  const AckRecord::Verdict verdict = record.Check(directory.path(), false);
  EXPECT_TRUE(verdict.good()) << verdict.ToString();
}

TEST(DiskFaultTest, ASlowDiskFillsABoundedQueueAndNothingElse) {
  TemporaryDirectory directory;
  DiskFaults disk;
  AckRecord record(1);
  std::vector<std::string> options = FaultOptions();
  options.push_back("--set");
  options.push_back("ingestion.max_queue=10000");
  DaemonProcess daemon(directory.path(), options, kNoPoint);
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  ASSERT_NO_FATAL_FAILURE(WriteUntilReady(api, &record));

  disk.Begin("slow");
  // These writers fill the queue; what is refused is refused clearly.
  std::vector<std::future<std::pair<int, int>>> writers;
  for (int w = 0; w < 40; ++w) {
    writers.push_back(std::async(std::launch::async, [&] {
      std::pair<int, int> acked_and_full;
      while (acked_and_full.first < 3) {
        const std::vector<v1::Interaction> batch = record.NewBatch(1000);
        v1::WriteInteractionsRequest request;
        for (const auto& one : batch) *request.add_interactions() = one;
        v1::WriteInteractionsResponse response;
        const grpc::Status status = api.Write(request, &response);
        if (status.ok()) {
          ++acked_and_full.first;
          record.Acknowledged(batch, {response.sequences().begin(),
                                      response.sequences().end()});
        } else {
          EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
              << status.error_message();
          ++acked_and_full.second;
        }
      }
      return acked_and_full;
    }));
  }
  v1::RecommendRequest recommend;
  recommend.set_user_id("stranger");
  recommend.set_k(5);
  int full = 0;
  for (auto& writer : writers) {
    v1::RecommendResponse answer;
    EXPECT_TRUE(api.Recommend(recommend, &answer).ok());
    full += writer.get().second;
  }
  EXPECT_GT(full, 0);
  EXPECT_EQ(api.Status().phase(), "SERVING");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  const AckRecord::Verdict verdict = record.Check(directory.path(), false);
  EXPECT_TRUE(verdict.good()) << verdict.ToString();
}

// --- The trainer ------------------------------------------------------------

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

// --- Damaged files ----------------------------------------------------------

void FlipByte(const std::string& path, double where) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(
      static_cast<double>(fs::file_size(path)) * where);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x10));
}

std::string FirstFile(const std::string& root, const std::string& suffix) {
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = entry.path().string();
    if (entry.is_regular_file() && entry.file_size() > 0 &&
        path.size() > suffix.size() &&
        path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0) {
      return path;
    }
  }
  return "";
}

TEST(DamageTest, EveryKindOfFileIsNamedByVerify) {
  TemporaryDirectory good;
  AckRecord record(1);
  Prepare(good.path(), &record);
  Prepare(good.path(), &record);  // a start writes the log into tables
  ExpectWhole(good.path());
  const std::vector<std::string> kinds = {"items.npy",
                                          "users.npy",
                                          "temperatures.npy",
                                          "user_degree.npy",
                                          "item_popularity.npy",
                                          "user_ids.txt",
                                          "item_ids.txt",
                                          "manifest.json",
                                          ".checkpoint",
                                          ".sst",
                                          ".log",
                                          "FORMAT",
                                          "reserved_versions"};
  for (const std::string& kind : kinds) {
    for (const char* damage : {"flip", "cut", "remove"}) {
      SCOPED_TRACE(absl::StrCat(damage, " ", kind));
      TemporaryDirectory copy;
      fs::copy(good.path(), copy.path() + "/data", fs::copy_options::recursive);
      const std::string path = FirstFile(copy.path() + "/data", kind);
      ASSERT_NE(path, "");
      if (damage == std::string("flip")) FlipByte(path, 0.4);
      if (damage == std::string("cut")) {
        fs::resize_file(path, fs::file_size(path) / 2);
      }
      if (damage == std::string("remove")) {
        // Gone as a whole, it is as if it had never been.
        if (kind == ".checkpoint") continue;
        fs::remove(path);
      }
      const auto report =
          store::VerifyDataDirectory(copy.path() + "/data", nullptr);
      ASSERT_TRUE(report.ok()) << report.status();
      ASSERT_FALSE(report->problems.empty());
      const std::string name = fs::path(path).filename().string();
      bool named = false;
      for (const store::Problem& problem : report->problems) {
        named = named || problem.what.find(name) != std::string::npos;
        EXPECT_NE(problem.remedy, "");
      }
      EXPECT_TRUE(named) << report->problems[0].what;
    }
  }
}

TEST(DamageTest, SwappedFilesAreFound) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  const std::string items = FirstFile(directory.path(), "items.npy");
  const std::string users = FirstFile(directory.path(), "users.npy");
  fs::rename(items, items + ".aside");
  fs::rename(users, items);
  fs::rename(items + ".aside", users);
  const auto report = store::VerifyDataDirectory(directory.path(), nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->problems.empty());
}

TEST(DamageTest, ALogThatLostItsWriteAheadLogIsRefused) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  while (true) {
    const std::string path = [&]() -> std::string {
      for (const auto& entry :
           fs::directory_iterator(store::LogIn(directory.path()))) {
        if (entry.path().extension() == ".log") return entry.path().string();
      }
      return "";
    }();
    if (path.empty()) break;
    fs::remove(path);
  }
  DaemonProcess daemon(directory.path(), FaultOptions());
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("no write-ahead log"));
  EXPECT_THAT(daemon.log(), HasSubstr("backup"));
}

TEST(DamageTest, ANewerDirectoryIsRefused) {
  TemporaryDirectory directory;
  std::ofstream(store::FormatFileIn(directory.path())) << "9\n";
  DaemonProcess daemon(directory.path(), FaultOptions());
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("use the newer taud"));
}

// --- Backup, rollback -------------------------------------------------------

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

// --- Erasure, as a client sees it -------------------------------------------

TEST(ErasureTest, AnErasedUserIsGoneAndTheSameIdIsSomebodyNew) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, &record, 100));
  const uint64_t last = api.WriteOne("alice", "item-1");
  ASSERT_TRUE(api.WaitTrained(last));
  const auto get_user = [&](v1::GetUserResponse* response) {
    grpc::ClientContext context;
    v1::GetUserRequest request;
    request.set_id("alice");
    return api.catalog->GetUser(&context, request, response);
  };
  v1::GetUserResponse user;
  ASSERT_TRUE(get_user(&user).ok());
  EXPECT_GT(user.temperature(), 0);

  grpc::ClientContext context;
  v1::EraseUserRequest request;
  request.set_id("alice");
  v1::EraseUserResponse erased;
  ASSERT_TRUE(api.catalog->EraseUser(&context, request, &erased).ok());
  EXPECT_EQ(get_user(&user).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(erased.erasure().sequence(), last);

  const std::string id = erased.erasure().erasure_id();
  ASSERT_TRUE(api.WaitStatus(
      [&](const v1::Status&) { return GetErasure(api, id).complete(); }));
  const v1::Erasure done = GetErasure(api, id);
  EXPECT_EQ(done.interactions(), 1u);
  EXPECT_GT(done.serving_version(), 0u);
  EXPECT_EQ(done.copies_size(), 5);
  for (const v1::ErasedCopy& copy : done.copies()) {
    EXPECT_GE(copy.gone_ms(), done.requested_ms()) << copy.copy();
  }
  api.WriteOne("alice", "item-2");
  ASSERT_TRUE(get_user(&user).ok());
  ASSERT_EQ(user.history_size(), 1);
  EXPECT_EQ(user.history(0).item_id(), "item-2");
  EXPECT_EQ(user.seen(), 1u);
}

TEST(ErasureTest, ADeletedItemIsNeverRecommendedAgain) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, &record, 100));
  ASSERT_TRUE(api.WaitTrained(api.Status().log().last_sequence()));
  v1::RecommendRequest request;
  request.set_user_id("stranger");
  request.set_k(1000);
  v1::RecommendResponse before;
  ASSERT_TRUE(api.Recommend(request, &before).ok());
  const std::string victim = before.items(0).id();
  grpc::ClientContext context;
  v1::DeleteItemsRequest deletion;
  deletion.add_ids(victim);
  deletion.add_ids("no such item");
  v1::DeleteItemsResponse deleted;
  ASSERT_TRUE(api.catalog->DeleteItems(&context, deletion, &deleted).ok());
  ASSERT_EQ(deleted.erasures_size(), 1);
  ASSERT_EQ(deleted.unknown_ids_size(), 1);
  v1::RecommendResponse after;
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Not(testing::Contains(victim)));
  EXPECT_EQ(after.items_size(), before.items_size() - 1);
  const std::string id = deleted.erasures(0).erasure_id();
  ASSERT_TRUE(api.WaitStatus(
      [&](const v1::Status&) { return GetErasure(api, id).complete(); }));
  EXPECT_GT(GetErasure(api, id).interactions(), 0u);
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Not(testing::Contains(victim)));
  // A new item of the same name is somebody else.
  api.WriteOne("u", victim);
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Contains(victim));
}

// --- The deterministic schedule ---------------------------------------------

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
