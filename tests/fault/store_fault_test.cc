// The store without memory, and the daemon while it reads its log.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

using e2e::TemporaryDirectory;
using testing::HasSubstr;

// --- No memory ---------------------------------------------------------------

class MemoryFaultPointTest : public testing::TestWithParam<std::string> {};

// Whatever the store's own threads and upkeep are at, from then on it throws.
TEST_P(MemoryFaultPointTest, EndsNothingAndLosesNothing) {
  TemporaryDirectory directory;
  AckRecord record(1);
  {
    DaemonProcess daemon(directory.path(), FaultOptions(), GetParam());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    for (int i = 0; i < 20; ++i) Write(api, &record, 50);
    ASSERT_TRUE(api.WaitStatus(
        [](const v1::Status& status) { return status.ready(); }));
    EraseOne(api, &record);
    Publish(api);
    for (int i = 0; i < 5; ++i) Write(api, &record, 50);
    EXPECT_EQ(api.Status().phase(), "SERVING");
    EXPECT_TRUE(daemon.WaitForLog("no memory at ")) << daemon.log();
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  }
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_TRUE(Write(api, &record, 50));
  EXPECT_TRUE(WaitForErasures(api, &record));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
  const AckRecord::Verdict verdict = record.Check(directory.path(), true);
  EXPECT_TRUE(verdict.good()) << verdict.ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Points, MemoryFaultPointTest,
    testing::Values("log/before-write:oom@5", "log/applying:oom@5",
                    "log/compaction:oom", "erasure/written:oom",
                    "erasure/memory:oom", "erasure/purging:oom",
                    "erasure/log:oom", "checkpoint/written:oom",
                    "snapshot/written:oom@2"),
    [](const auto& point) {
      std::string name = point.param.substr(0, point.param.find(':'));
      for (char& c : name) {
        if (!isalnum(static_cast<unsigned char>(c))) {
          c = '_';
        }
      }
      return name;
    });

TEST(MemoryFaultTest, WhatCannotBeAppliedIsRefusedUntilItIsRead) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions(), "log/applying:oom@5");
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  uint64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    last = api.WriteOne(absl::StrCat("u", i), absl::StrCat("i", i));
    ASSERT_EQ(last, i + 1u);
  }
  v1::WriteInteractionsRequest request;
  request.add_interactions()->set_user_id("u");
  request.mutable_interactions(0)->set_item_id("i");
  v1::WriteInteractionsResponse response;
  const grpc::Status status = api.Write(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("into memory"));
  // Upkeep looks every few seconds, and the log is read again.
  EXPECT_TRUE(api.WaitStatus([&](const v1::Status& now) {
    return now.log().last_sequence() == last + 1 &&
           now.log().refusing().empty();
  }));
}

TEST(MemoryFaultTest, ALogThatCannotBeReadFailsTheStart) {
  TemporaryDirectory directory;
  AckRecord record(1);
  ASSERT_NO_FATAL_FAILURE(Prepare(directory.path(), &record));
  {
    DaemonProcess daemon(directory.path(), FaultOptions(), "log/reading:oom");
    EXPECT_EQ(daemon.Wait(), 1) << daemon.log();
    EXPECT_THAT(daemon.log(),
                HasSubstr("taud: the event store could not go on"));
  }
  const AckRecord::Verdict verdict = record.Check(directory.path(), true);
  EXPECT_TRUE(verdict.good()) << verdict.ToString();
}

// --- While the log is read ---------------------------------------------------

// A gate at which a daemon's thread waits (`hold` of sync_point.cc).
class Gate {
 public:
  Gate() {
    EXPECT_EQ(mkfifo(path().c_str(), S_IRUSR | S_IWUSR), 0);
    setenv("TAUD_FAULT_GATE", path().c_str(), 1);
  }
  ~Gate() { unsetenv("TAUD_FAULT_GATE"); }
  // Waits for somebody to wait there, and lets it go on.
  void Open() { close(open(path().c_str(), O_WRONLY)); }

 private:
  std::string path() const { return directory_.path() + "/gate"; }
  TemporaryDirectory directory_;
};

struct Answered {
  std::set<std::string> items;
  bool incomplete = false;
};

// More than the catalogue has.
Answered EverythingFor(const ApiClient& api, const std::string& user) {
  v1::RecommendRequest request;
  request.set_user_id(user);
  request.set_k(1000);
  v1::RecommendResponse response;
  const grpc::Status status = api.Recommend(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  Answered answered;
  for (const std::string& id : e2e::Ids(response)) answered.items.insert(id);
  answered.incomplete = response.history_incomplete();
  return answered;
}

// Ten users and twenty items, of which u0 has had i0; and a snapshot of it.
void LearnTwentyItems(const std::string& directory) {
  DaemonProcess daemon(directory, FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  uint64_t last = api.WriteOne("u0", "i0");
  for (int i = 0; i < 20; ++i) {
    last = api.WriteOne(absl::StrCat("u", 1 + i % 9), absl::StrCat("i", i));
  }
  ASSERT_TRUE(api.WaitTrained(last));
  ASSERT_EQ(EverythingFor(api, "u0").items.count("i0"), 0u);
  ASSERT_FALSE(EverythingFor(api, "u0").incomplete);
  daemon.Signal(SIGTERM);
  ASSERT_EQ(daemon.Wait(), 0) << daemon.log();
}

TEST(ReadingTheLogTest, AnswersSayWhatTheyDoNotKnowAndItIsNotReady) {
  TemporaryDirectory directory;
  ASSERT_NO_FATAL_FAILURE(LearnTwentyItems(directory.path()));
  Gate gate;
  DaemonProcess daemon(directory.path(), FaultOptions(), "log/reading:hold");
  ASSERT_TRUE(daemon.WaitUntilListening()) << daemon.log();
  const ApiClient api(daemon);
  // The snapshot serves before anything is read; what u0 has had is not known.
  const Answered before = EverythingFor(api, "u0");
  EXPECT_TRUE(before.incomplete);
  EXPECT_EQ(before.items.count("i0"), 1u);
  // Of whom there can be no history nothing is missing.
  EXPECT_FALSE(EverythingFor(api, "a stranger").incomplete);
  v1::RecommendRequest request;
  request.add_context_item_ids("i0");
  request.set_k(5);
  v1::RecommendResponse response;
  ASSERT_TRUE(api.Recommend(request, &response).ok());
  EXPECT_EQ(response.items_size(), 5);
  EXPECT_FALSE(response.history_incomplete());
  grpc::ClientContext context;
  v1::RecommendBatchRequest batch;
  batch.add_user_ids("a stranger");
  batch.add_user_ids("u0");
  batch.set_k(5);
  v1::RecommendBatchResponse answers;
  ASSERT_TRUE(
      api.recommendation->RecommendBatch(&context, batch, &answers).ok());
  EXPECT_FALSE(answers.responses(0).history_incomplete());
  EXPECT_TRUE(answers.responses(1).history_incomplete());

  const v1::Status status = api.Status();
  EXPECT_FALSE(status.ready());
  EXPECT_EQ(status.not_ready(), "reading the log, 0 %");
  EXPECT_THAT(status.summary(), HasSubstr("history incomplete"));
  ASSERT_EQ(status.problems_size(), 1);
  EXPECT_THAT(status.problems(0).text(), HasSubstr("still being read, 0 %"));
  EXPECT_EQ(e2e::HealthOf(daemon, "taud.v1.RecommendationService"),
            "NOT_SERVING");
  httplib::Client http("127.0.0.1", daemon.http_port());
  const auto ready = http.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 503);
  EXPECT_EQ(ready->body, "not ready: reading the log, 0 %\n");

  gate.Open();
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const Answered after = EverythingFor(api, "u0");
  EXPECT_FALSE(after.incomplete);
  EXPECT_EQ(after.items.count("i0"), 0u);
  EXPECT_EQ(e2e::HealthOf(daemon, "taud.v1.RecommendationService"), "SERVING");
  EXPECT_EQ(http.Get("/readyz")->status, 200);
  EXPECT_TRUE(api.Status().ready());
}

TEST(ReadingTheLogTest, ItIsReadyBeforeIfTheConfigurationSaysSo) {
  TemporaryDirectory directory;
  ASSERT_NO_FATAL_FAILURE(LearnTwentyItems(directory.path()));
  Gate gate;
  std::vector<std::string> options = FaultOptions();
  options.insert(options.end(), {"--set", "serving.ready_before_history=true"});
  DaemonProcess daemon(directory.path(), options, "log/reading:hold");
  ASSERT_TRUE(daemon.WaitUntilListening()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_TRUE(EverythingFor(api, "u0").incomplete);
  EXPECT_TRUE(api.Status().ready());
  EXPECT_EQ(e2e::HealthOf(daemon, "taud.v1.RecommendationService"), "SERVING");
  httplib::Client http("127.0.0.1", daemon.http_port());
  EXPECT_EQ(http.Get("/readyz")->status, 200);
  gate.Open();
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  EXPECT_FALSE(EverythingFor(api, "u0").incomplete);
}

}  // namespace
}  // namespace taud::fault
