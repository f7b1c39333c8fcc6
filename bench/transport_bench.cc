// gRPC's two asynchronous server APIs beside each other, answering Recommend
// with 1,000 bytes and nothing behind it: callbacks, as taud serves, and
// completion queues with one polling thread a core. Client and server share the
// cores, as in `tauctl bench serve`.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "cli/client/load_generator.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/echo_server.h"
#include "server/rpc/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud {
namespace {

constexpr size_t kResponseBytes = 1000;
// The same answer as EchoServer's, through callbacks.
class CallbackService
    : public v1::RecommendationService::WithRawCallbackMethod_Recommend<
          v1::RecommendationService::Service> {
 public:
  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* /*request*/,
                                      grpc::ByteBuffer* response) override {
    *response = grpc::ByteBuffer(&answer_, 1);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::Slice answer_{std::string(kResponseBytes, 0)};
};

void Measure(const char* name, int port, int concurrency) {
  v1::RecommendRequest request;
  request.set_user_id("u1");
  request.set_k(20);
  const grpc::Slice slice(request.SerializeAsString());
  cli::Load load;
  load.common.server = absl::StrCat("127.0.0.1:", port);
  load.method = "/taud.v1.RecommendationService/Recommend";
  load.requests = {grpc::ByteBuffer(&slice, 1)};
  load.concurrency = concurrency;
  load.threads = concurrency < 2 ? 1 : 2;
  load.seconds = 3;
  load.warm_up_seconds = 0.5;
  const cli::LoadResult result = cli::RunLoad(load);
  std::vector<double> milliseconds;
  for (const cli::CallRecord& call : result.calls) {
    if (call.code == 0) milliseconds.push_back(call.milliseconds);
  }
  const cli::Latency latency = cli::Summarise(&milliseconds);
  std::printf("%-18s %8d %12.0f %8.3f %8.3f\n", name, concurrency,
              static_cast<double>(latency.calls) / result.seconds,
              latency.p50_ms, latency.p99_ms);
  std::fflush(stdout);
}

int Main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  config::v1::Server config;
  config.set_grpc_address("127.0.0.1:0");
  config.set_max_message_bytes(4 << 20);
  config.set_max_streams_per_connection(1024);
  config.set_keepalive_seconds(60);
  config.set_max_transport_mib(256);
  auto queues = server::EchoServer::Start(config, kResponseBytes);
  if (!queues.ok()) return 1;
  CallbackService service;
  int port = 0;
  grpc::ServerBuilder builder;
  server::ConfigureTransport(config, &builder, &port);
  builder.RegisterService(&service);
  const auto callbacks = builder.BuildAndStart();
  if (callbacks == nullptr || port == 0) return 1;
  std::printf("%-18s %8s %12s %8s %8s\n", "API", "callers", "requests/s",
              "p50 ms", "p99 ms");
  // In turn, so that what else the machine does hits both alike.
  for (int round = 0; round < 2; ++round) {
    for (const int concurrency : {1, 64}) {
      Measure("callback", port, concurrency);
      Measure("completion queue", (*queues)->port(), concurrency);
    }
  }
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace
}  // namespace taud

int main() { return taud::Main(); }
