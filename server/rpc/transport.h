#ifndef TAUD_SERVER_RPC_TRANSPORT_H_
#define TAUD_SERVER_RPC_TRANSPORT_H_

#include "grpcpp/server_builder.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// What every gRPC server of taud has in common: the address (`port` is filled
// in when the server starts, 0 if it could not listen), limits on messages and
// streams, keepalive. Plain function, any thread.
void ConfigureTransport(const config::v1::Server& config,
                        grpc::ServerBuilder* builder, int* port);

// How many completion queues, each with its thread, serve the calls that come
// through them: one for every two cores; with more, on two cores, threads wake
// each other more than they do (docs/performance.md).
int CallQueueCount();

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_TRANSPORT_H_
