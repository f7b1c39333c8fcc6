#include "server/front.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "server/lifecycle/readiness.h"
#include "server/part_options.h"
#include "server/rpc/transport.h"

namespace taud::server {

absl::Status Front::Listen(const Door& door, size_t descriptors) {
  auto http = HttpServer::Bind(config_->server().http_address(),
                               config_->server().http_hosts(),
                               config_->server().http_cors_origins(), context_);
  if (!http.ok()) return http.status();
  http_ = *std::move(http);

  MakeServices();
  absl::Status bound = BindGrpc(descriptors);
  if (!bound.ok()) return bound;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Named, so that it is linked in: reflection describes what it finds.
  grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::ServerBuilder builder;
  ConfigureConnections(config_->server(), &builder);
  auto connections = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      door.grpc_credentials());
  for (grpc::Service* service :
       {static_cast<grpc::Service*>(recommendation_.get()),
        static_cast<grpc::Service*>(ingestion_.get()),
        static_cast<grpc::Service*>(catalog_.get()),
        static_cast<grpc::Service*>(model_service_.get())}) {
    builder.RegisterService(service);
  }
  queues_ = std::make_unique<CallQueues>(CallQueueCount(), &builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::InternalError("gRPC could not make a server");
  }
  recommendation_->Serve(queues_.get());
  acceptor_->Start(std::move(connections));
  http_->Start(server_->InProcessChannel(grpc::ChannelArguments()), door.tls());
  {
    absl::MutexLock lock(&health_mutex_);
    health_ = server_->GetHealthCheckService();
  }
  UpdateHealth();
  return absl::OkStatus();
}

absl::Status Front::BindGrpc(size_t descriptors) {
  Acceptor::Options options = AcceptorOptions(*config_, descriptors);
  options.refused = [this](Refusal why) {
    context_->metrics->CountRefused(why);
  };
  auto acceptor =
      Acceptor::Listen(config_->server().grpc_address(), std::move(options));
  if (!acceptor.ok()) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", config_->server().grpc_address(),
        " (server.grpc_address): ", acceptor.status().message(),
        ": the address is in use or not of this host; "
        "stop the other program or choose another with --grpc-address"));
  }
  acceptor_ = *std::move(acceptor);
  return absl::OkStatus();
}

void Front::MakeServices() {
  ingestion_ = std::make_unique<IngestionServiceImpl>(
      context_, static_cast<size_t>(config_->ingestion().max_unacknowledged()));
  store::EventStore::Listener listener;
  listener.room = [this] { ingestion_->WakeWaiting(); };
  listener.erasure_found = [this] { context_->upkeep->Notify(); };
  context_->store->SetListener(std::move(listener));
  recommendation_ = std::make_unique<RecommendationServiceImpl>(context_);
  catalog_ = std::make_unique<CatalogServiceImpl>(context_);
  model_service_ = std::make_unique<ModelServiceImpl>(context_);
}

void Front::UpdateHealth() {
  absl::MutexLock lock(&health_mutex_);
  if (health_ == nullptr) return;
  const ServiceHealth health = HealthOf(StandingOf(*context_));
  health_->SetServingStatus("taud.v1.RecommendationService",
                            health.recommendation);
  health_->SetServingStatus("taud.v1.IngestionService", health.ingestion);
  health_->SetServingStatus("taud.v1.CatalogService", health.catalog);
  health_->SetServingStatus("taud.v1.ModelService", health.model);
  health_->SetServingStatus("", health.whole);
}

void Front::EndStreams() {
  ingestion_->Drain();
  model_service_->Drain();
}

void Front::FinishCalls(absl::Time deadline) {
  acceptor_->Stop();
  server_->Shutdown(absl::ToChronoTime(deadline));
  server_->Wait();
  queues_->Stop();
}

void Front::StopPages() {
  if (http_ != nullptr) http_->Stop();
}

}  // namespace taud::server
