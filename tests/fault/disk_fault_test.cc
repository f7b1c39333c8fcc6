// The daemon on a disk that lies, is full, is read-only or slow.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

namespace fs = std::filesystem;
using e2e::TemporaryDirectory;
using testing::HasSubstr;

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

}  // namespace
}  // namespace taud::fault
