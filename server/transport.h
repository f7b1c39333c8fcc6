#ifndef TAUD_SERVER_TRANSPORT_H_
#define TAUD_SERVER_TRANSPORT_H_

#include "grpcpp/server_builder.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// What every gRPC server of taud has in common: the address (`port` is filled
// in when the server starts, 0 if it could not listen), limits on messages and
// streams, keepalive. Plain function, any thread.
void ConfigureTransport(const config::v1::Server& config,
                        grpc::ServerBuilder* builder, int* port);

}  // namespace taud::server

#endif  // TAUD_SERVER_TRANSPORT_H_
