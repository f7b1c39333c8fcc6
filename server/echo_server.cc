#include "server/echo_server.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/server_callback.h"
#include "server/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {

class EchoServer::Service
    : public v1::RecommendationService::WithRawCallbackMethod_Recommend<
          v1::RecommendationService::Service> {
 public:
  explicit Service(size_t bytes)
      : answer_(grpc::Slice(std::string(bytes, 0))) {}

  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* /*request*/,
                                      grpc::ByteBuffer* response) override {
    *response = grpc::ByteBuffer(&answer_, 1);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::Slice answer_;
};

EchoServer::EchoServer() = default;

EchoServer::~EchoServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

absl::StatusOr<std::unique_ptr<EchoServer>> EchoServer::Start(
    const config::v1::Server& config, size_t response_bytes) {
  std::unique_ptr<EchoServer> echo(new EchoServer);
  echo->service_ = std::make_unique<Service>(response_bytes);
  grpc::ServerBuilder builder;
  ConfigureTransport(config, &builder, &echo->port_);
  builder.RegisterService(echo->service_.get());
  echo->server_ = builder.BuildAndStart();
  if (echo->server_ == nullptr || echo->port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", config.grpc_address(),
                     " (server.grpc_address): choose another address"));
  }
  return echo;
}

}  // namespace taud::server
