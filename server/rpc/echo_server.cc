#include "server/rpc/echo_server.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/rpc/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {

class EchoServer::Service
    : public v1::RecommendationService::WithRawMethod_Recommend<
          v1::RecommendationService::Service> {};

EchoServer::EchoServer() = default;

EchoServer::~EchoServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  queues_->Stop();
}

absl::StatusOr<std::unique_ptr<EchoServer>> EchoServer::Start(
    const config::v1::Server& config, size_t response_bytes) {
  std::unique_ptr<EchoServer> echo(new EchoServer);
  echo->service_ = std::make_unique<Service>();
  grpc::ServerBuilder builder;
  ConfigureTransport(config, &builder, &echo->port_);
  echo->queues_ = std::make_unique<CallQueues>(CallQueueCount(), &builder);
  builder.RegisterService(echo->service_.get());
  echo->server_ = builder.BuildAndStart();
  if (echo->server_ == nullptr || echo->port_ == 0) {
    if (echo->server_ != nullptr) echo->server_->Shutdown();
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", config.grpc_address(),
                     " (server.grpc_address): choose another address"));
  }
  const grpc::Slice answer(std::string(response_bytes, 0));
  echo->queues_->Serve(
      [service = echo->service_.get()](
          grpc::ServerContext* context, grpc::ByteBuffer* request,
          CallQueues::Writer* writer, grpc::ServerCompletionQueue* queue,
          void* tag) {
        service->RequestRecommend(context, request, writer, queue, queue, tag);
      },
      [answer](CallQueues::Call* call) {
        call->Finish(grpc::ByteBuffer(&answer, 1), grpc::Status::OK);
      });
  return echo;
}

}  // namespace taud::server
