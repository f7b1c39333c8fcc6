#ifndef TAUD_SERVER_API_HTTP_SERVER_H_
#define TAUD_SERVER_API_HTTP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "server/api/daemon_context.h"
#include "server/rpc/tls_files.h"

namespace taud::server {

// The daemon over HTTP, for people and for machines that watch it:
//   /          the dashboard, and its files
//   /healthz   200 while the process lives
//   /readyz    200 while recommendations are answered as they should be, else
//              503 and why
//   /metrics   Prometheus text format; if credentials are asked for, of who
//              may observe, unless auth.open_metrics
//   /v1/…      calls of the API as JSON (json_routes.h)
//   /openapi.json  what they are, for machines (openapi.h)
// /healthz, /readyz and /metrics are answered whatever Host says; the others
// look at who asks (http_safety.h). (prometheus-cpp's own server cannot start
// in a process with this much static thread-local storage.)
//
// Start and Stop are the owner's; requests run on threads it owns, which wait
// for nothing: calls of the API are answered when gRPC has an answer. A
// connection is closed after its answer, unless that was a call's, or when its
// request takes longer than five seconds; idle and slow ones keep nobody
// waiting (http_connections.h).
class HttpServer {
 public:
  // Binds `address` ("host:port", port 0: any). `hosts` are the names that it
  // may be asked under (server.http_hosts), `origins` those whose pages may use
  // the API (server.http_cors_origins). `context` outlives it.
  // INVALID_ARGUMENT for an address without a port, or a bad name; UNAVAILABLE
  // if it cannot be bound, with the remedy.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Bind(
      const std::string& address, const std::string& hosts,
      const std::string& origins, const DaemonContext* context);
  ~HttpServer();

  // `api` leads to the gRPC server; null: /v1/ is UNAVAILABLE.
  // `tls` outlives the server; null: in the clear.
  void Start(const std::shared_ptr<grpc::Channel>& api,
             const TlsFiles* tls = nullptr);
  // Idempotent. Calls of the API under way are cancelled.
  void Stop();

  int port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_SERVER_H_
