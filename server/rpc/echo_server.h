#ifndef TAUD_SERVER_RPC_ECHO_SERVER_H_
#define TAUD_SERVER_RPC_ECHO_SERVER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "server/rpc/call_queues.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// Answers every Recommend call with the same bytes and does nothing else, on
// the daemon's transport: the limit that gRPC sets to the daemon here (see
// `tauctl bench serve`). One thread's.
class EchoServer {
 public:
  static absl::StatusOr<std::unique_ptr<EchoServer>> Start(
      const config::v1::Server& config, size_t response_bytes);
  ~EchoServer();

  int port() const { return port_; }

 private:
  class Service;
  EchoServer();

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueues> queues_;
  int port_ = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_ECHO_SERVER_H_
