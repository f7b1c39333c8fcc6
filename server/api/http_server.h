#ifndef TAUD_SERVER_API_HTTP_SERVER_H_
#define TAUD_SERVER_API_HTTP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/api/daemon_context.h"

namespace taud::server {

// The daemon over HTTP, for machines that watch it:
//   /metrics  Prometheus text format
//   /healthz  200 while the process lives
//   /readyz   200 while recommendations are answered, else 503
//   /status   v1.Status as JSON
// (prometheus-cpp's own server cannot start in a process with this much
// static thread-local storage.)
//
// Start and Stop are the owner's; requests run on threads it owns. A connection
// is closed after its answer, or when its request takes longer than five
// seconds; idle and slow ones keep nobody waiting (http_connections.h).
class HttpServer {
 public:
  // Binds `address` ("host:port", port 0: any). `context` outlives it.
  // INVALID_ARGUMENT for an address without a port; UNAVAILABLE if it cannot
  // be bound, with the remedy.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Bind(
      const std::string& address, const DaemonContext* context);
  ~HttpServer();

  void Start();
  void Stop();  // idempotent

  int port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_SERVER_H_
