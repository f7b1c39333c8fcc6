// gRPC's two asynchronous server APIs beside each other, answering Recommend
// with 1,000 bytes and nothing behind it: callbacks, as taud serves, and
// completion queues with one polling thread a core. Client and server share the
// cores, as in `tauctl bench serve`.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "cli/load_generator.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/echo_server.h"
#include "server/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud {
namespace {

constexpr size_t kResponseBytes = 1000;
constexpr int kPollers = 2;
constexpr int kWaitingCalls = 128;  // a poller: calls that may arrive at once

using AsyncService = v1::RecommendationService::WithRawMethod_Recommend<
    v1::RecommendationService::Service>;

// One call at a time, again and again; deletes itself when the queue ends.
class Call {
 public:
  Call(AsyncService* service, grpc::ServerCompletionQueue* queue,
       const grpc::Slice* answer)
      : service_(service), queue_(queue), answer_(answer) {
    Wait();
  }

  void Proceed(bool ok) {
    if (!ok && !answered_) {
      delete this;
      return;
    }
    if (!answered_) {
      answered_ = true;
      responder_->Finish(grpc::ByteBuffer(answer_, 1), grpc::Status::OK, this);
      return;
    }
    Wait();
  }

 private:
  void Wait() {
    answered_ = false;
    responder_ = nullptr;
    context_ = std::make_unique<grpc::ServerContext>();
    request_.Clear();
    responder_ =
        std::make_unique<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>>(
            context_.get());
    service_->RequestRecommend(context_.get(), &request_, responder_.get(),
                               queue_, queue_, this);
  }

  AsyncService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  const grpc::Slice* const answer_;
  bool answered_ = false;
  std::unique_ptr<grpc::ServerContext> context_;
  grpc::ByteBuffer request_;
  std::unique_ptr<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> responder_;
};

class QueueServer {
 public:
  explicit QueueServer(const config::v1::Server& config)
      : answer_(std::string(kResponseBytes, 0)) {
    grpc::ServerBuilder builder;
    server::ConfigureTransport(config, &builder, &port_);
    builder.RegisterService(&service_);
    for (int p = 0; p < kPollers; ++p) {
      queues_.push_back(builder.AddCompletionQueue());
    }
    server_ = builder.BuildAndStart();
    for (const auto& queue : queues_) {
      for (int c = 0; c < kWaitingCalls; ++c) {
        new Call(&service_, queue.get(), &answer_);
      }
      pollers_.emplace_back([&queue] {
        void* tag = nullptr;
        bool ok = false;
        while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed(ok);
      });
    }
  }
  int port() const { return port_; }

 private:
  // Lives until the process exits with it: a benchmark needs no orderly end.
  const grpc::Slice answer_;
  AsyncService service_;
  int port_ = 0;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> pollers_;
};

void Measure(const char* name, int port, int concurrency) {
  v1::RecommendRequest request;
  request.set_user_id("u1");
  request.set_k(20);
  const grpc::Slice slice(request.SerializeAsString());
  cli::Load load;
  load.server = absl::StrCat("127.0.0.1:", port);
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
  auto callbacks = server::EchoServer::Start(config, kResponseBytes);
  if (!callbacks.ok()) return 1;
  QueueServer queues(config);
  std::printf("%-18s %8s %12s %8s %8s\n", "API", "callers", "requests/s",
              "p50 ms", "p99 ms");
  // In turn, so that what else the machine does hits both alike.
  for (int round = 0; round < 2; ++round) {
    for (const int concurrency : {1, 64}) {
      Measure("callback", (*callbacks)->port(), concurrency);
      Measure("completion queue", queues.port(), concurrency);
    }
  }
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace
}  // namespace taud

int main() { return taud::Main(); }
