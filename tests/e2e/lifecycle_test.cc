// Starting, refusing to start, draining, and starting again.

#include <csignal>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;

// Runs it to its end; the exit status and what it printed.
std::pair<int, std::string> RunToEnd(
    const std::string& data_dir, const std::vector<std::string>& arguments) {
  DaemonProcess daemon(data_dir, arguments);
  const int code = daemon.Wait();
  return {code, daemon.log()};
}

lab::Simulator SmallWorld() {
  lab::Simulator::Options world;
  world.users = 60;
  world.items = 80;
  return lab::Simulator(world);
}

TEST(LifecycleTest, SigtermDrainsSavesAndTheNextStartServesAtOnce) {
  TemporaryDirectory directory;
  uint64_t last = 0;
  uint64_t version = 0;
  {
    DaemonProcess daemon(directory.path(), QuickTraining());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    lab::Simulator simulator = SmallWorld();
    last = Feed(api, &simulator, 3000);
    ASSERT_TRUE(api.WaitTrained(last));
    version = api.Status().serving().snapshot_version();

    // An open stream: what it sent is acknowledged, then it ends.
    grpc::ClientContext context;
    const auto stream = api.ingestion->Ingest(&context);
    v1::IngestRequest request;
    request.add_interactions()->set_user_id("user-1");
    request.mutable_interactions(0)->set_item_id("item-1");
    ASSERT_TRUE(stream->Write(request));
    v1::IngestAck ack;
    ASSERT_TRUE(stream->Read(&ack));
    last = ack.last_sequence();
    daemon.Signal(SIGTERM);
    EXPECT_FALSE(stream->Read(&ack));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
    EXPECT_THAT(daemon.log(), HasSubstr("draining"));
  }
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("snapshot restored"));
  // Restored before the log was read.
  EXPECT_LT(daemon.log().find("snapshot restored"),
            daemon.log().find("log read"));
  const ApiClient api(daemon);
  const v1::Status status = api.Status();
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(status.log().last_sequence(), last);
  EXPECT_GE(status.serving().snapshot_version(), version);
  // A version once served never names another snapshot.
  grpc::ClientContext context;
  v1::PublishResponse published;
  const grpc::Status publish =
      api.model->Publish(&context, v1::PublishRequest(), &published);
  ASSERT_TRUE(publish.ok()) << publish.error_message();
  EXPECT_GT(published.version(), status.serving().snapshot_version());
}

TEST(LifecycleTest, AfterKillNineItServesTheLastSavedSnapshot) {
  TemporaryDirectory directory;
  uint64_t last = 0;
  uint64_t seen_version = 0;
  {
    DaemonProcess daemon(directory.path(), QuickTraining());
    ASSERT_TRUE(daemon.WaitUntilServing());
    const ApiClient api(daemon);
    lab::Simulator simulator = SmallWorld();
    last = Feed(api, &simulator, 3000);
    ASSERT_TRUE(api.WaitTrained(last));
    grpc::ClientContext context;
    v1::PublishResponse published;
    ASSERT_TRUE(
        api.model->Publish(&context, v1::PublishRequest(), &published).ok());
    seen_version = api.Status().serving().snapshot_version();
    daemon.Kill();
  }
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_TRUE(api.Status().ready());
  EXPECT_EQ(api.Status().log().last_sequence(), last);
  grpc::ClientContext context;
  v1::PublishResponse published;
  ASSERT_TRUE(
      api.model->Publish(&context, v1::PublishRequest(), &published).ok());
  EXPECT_GT(published.version(), seen_version);
}

TEST(LifecycleTest, AnEmptyDaemonIsAliveAndNotReady) {
  TemporaryDirectory directory;
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  v1::RecommendRequest request;
  request.set_user_id("u");
  request.set_k(1);
  v1::RecommendResponse response;
  const grpc::Status status = api.Recommend(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("no snapshot serves yet"));
  grpc::ClientContext context;
  v1::PublishResponse published;
  EXPECT_EQ(api.model->Publish(&context, v1::PublishRequest(), &published)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(HealthOf(daemon, "taud.v1.RecommendationService"), "NOT_SERVING");
  EXPECT_EQ(HealthOf(daemon, "taud.v1.IngestionService"), "SERVING");
  EXPECT_EQ(HealthOf(daemon, ""), "NOT_SERVING");
  httplib::Client http("127.0.0.1", daemon.http_port());
  EXPECT_EQ(http.Get("/healthz")->status, 200);
  EXPECT_EQ(http.Get("/readyz")->status, 503);
}

TEST(LifecycleTest, ALockedDirectoryIsRefused) {
  TemporaryDirectory directory;
  DaemonProcess first(directory.path(), QuickTraining());
  ASSERT_TRUE(first.WaitUntilServing());
  const auto [code, log] = RunToEnd(directory.path(), {});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(log, HasSubstr(directory.path()));
  EXPECT_THAT(log, HasSubstr("another"));
}

TEST(LifecycleTest, APortInUseIsRefused) {
  TemporaryDirectory directory;
  DaemonProcess first(directory.path(), QuickTraining());
  ASSERT_TRUE(first.WaitUntilServing());
  TemporaryDirectory other;
  auto [code, log] = RunToEnd(
      other.path(),
      {"--set", absl::StrCat("server.grpc_address=", first.grpc_address())});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(log, HasSubstr("cannot listen on " + first.grpc_address()));
  EXPECT_THAT(log, HasSubstr("--grpc-address"));
  std::tie(code, log) = RunToEnd(
      other.path(), {"--set", absl::StrCat("server.http_address=127.0.0.1:",
                                           first.http_port())});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(log, HasSubstr("--http-address"));
}

TEST(LifecycleTest, ADirectoryThatCannotBeIsRefused) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/file";
  std::ofstream(file) << "not a directory";
  for (const std::string& bad : {file, std::string("/proc/taud")}) {
    const auto [code, log] = RunToEnd(bad, {});
    EXPECT_EQ(code, 1) << bad;
    EXPECT_THAT(log, HasSubstr(bad));
  }
}

TEST(LifecycleTest, ABadConfigurationIsRefused) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/taud.yaml";
  std::ofstream(file) << "serving:\n  thread: 2\n";
  auto [code, log] = RunToEnd(directory.path(), {"--config", file});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(log, HasSubstr(file + ":2: serving.thread: unknown key"));
  std::tie(code, log) =
      RunToEnd(directory.path(), {"--set", "trainer.dim=1000000"});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(log, HasSubstr("trainer.dim"));
  std::tie(code, log) =
      RunToEnd(directory.path(), {"--config", file, "--check-config"});
  EXPECT_EQ(code, 1);
  std::tie(code, log) = RunToEnd(directory.path(), {"--check-config"});
  EXPECT_EQ(code, 0);
}

TEST(LifecycleTest, ADamagedSnapshotIsPassedOver) {
  TemporaryDirectory directory;
  uint64_t last = 0;
  {
    DaemonProcess daemon(directory.path(), QuickTraining());
    ASSERT_TRUE(daemon.WaitUntilServing());
    const ApiClient api(daemon);
    lab::Simulator simulator = SmallWorld();
    last = Feed(api, &simulator, 3000);
    ASSERT_TRUE(api.WaitTrained(last));
    daemon.Signal(SIGTERM);
    ASSERT_EQ(daemon.Wait(), 0) << daemon.log();
  }
  namespace fs = std::filesystem;
  for (const auto& entry :
       fs::directory_iterator(directory.path() + "/snapshots")) {
    const fs::path items = entry.path() / "items.npy";
    if (fs::exists(items)) fs::resize_file(items, fs::file_size(items) / 2);
  }
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("snapshot on disk passed over"));
  EXPECT_THAT(daemon.log(), HasSubstr("items.npy"));
  // It learns again from the log, which is whole.
  const ApiClient api(daemon);
  EXPECT_TRUE(api.WaitTrained(last));
}

TEST(LifecycleTest, ASecondSignalMeansAtOnce) {
  TemporaryDirectory directory;
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing());
  // Both are pending before the daemon sees the first.
  daemon.Signal(SIGSTOP);
  daemon.Signal(SIGTERM);
  daemon.Signal(SIGINT);
  daemon.Signal(SIGCONT);
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("second signal"));
}

}  // namespace
}  // namespace taud::e2e
