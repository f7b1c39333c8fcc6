#ifndef TAUD_SERVER_RPC_TRANSPORT_H_
#define TAUD_SERVER_RPC_TRANSPORT_H_

#include "grpcpp/server_builder.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// What every gRPC server of taud has in common: limits on messages, streams and
// memory, keepalive. Plain function, any thread.
void ConfigureConnections(const config::v1::Server& config,
                          grpc::ServerBuilder* builder);

// The same, and gRPC's own listener at server.grpc_address. *port is 0 if it
// could not be bound, once the server was built. For servers without an
// Acceptor.
void ConfigureTransport(const config::v1::Server& config,
                        grpc::ServerBuilder* builder, int* port);

// How many completion queues, each with its thread, serve the calls that come
// through them: one for every two cores; with more, on two cores, threads wake
// each other more than they do (docs/performance.md).
int CallQueueCount();

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_TRANSPORT_H_
