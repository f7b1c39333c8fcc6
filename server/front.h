#ifndef TAUD_SERVER_FRONT_H_
#define TAUD_SERVER_FRONT_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/api/catalog_service.h"
#include "server/api/daemon_context.h"
#include "server/api/http_server.h"
#include "server/api/ingestion_service.h"
#include "server/api/model_service.h"
#include "server/api/recommendation_service.h"
#include "server/door.h"
#include "server/rpc/acceptor.h"
#include "server/rpc/call_queues.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// Where requests come in: the services, the gRPC server with its connections
// and completion queues, the HTTP pages, and what the health service says.
//
//   made ──Listen──▶ listening ──EndStreams, FinishCalls, StopPages──▶ ended
//
// Owns all of these. UpdateHealth is any thread's, at any time; the rest is one
// thread's.
class Front {
 public:
  // All outlive it; the door is opened before Listen.
  Front(const config::v1::Config* config, DaemonContext* context)
      : config_(config), context_(context) {}

  // REQUIRES: the context is filled. Errors name the address and the key.
  // `descriptors`: that the process may have. If it fails, what was begun is
  // ended by the destructor.
  absl::Status Listen(const Door& door, size_t descriptors);
  bool listening() const { return server_ != nullptr; }

  // Says of each service whether it answers; nothing before Listen.
  void UpdateHealth();

  // Streams acknowledge what they were sent, and end.
  void EndStreams();
  // New calls are refused; those under way have until then.
  void FinishCalls(absl::Time deadline);
  void StopPages();

  int grpc_port() const { return acceptor_->port(); }
  int http_port() const { return http_->port(); }

 private:
  void MakeServices();
  absl::Status BindGrpc(size_t descriptors);

  const config::v1::Config* const config_;
  DaemonContext* const context_;

  absl::Mutex health_mutex_;
  // The server's.
  grpc::HealthCheckServiceInterface* health_ ABSL_GUARDED_BY(health_mutex_) =
      nullptr;

  // Each uses those before it; destroyed in the opposite order.
  std::unique_ptr<IngestionServiceImpl> ingestion_;
  std::unique_ptr<RecommendationServiceImpl> recommendation_;
  std::unique_ptr<CatalogServiceImpl> catalog_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueues> queues_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_FRONT_H_
