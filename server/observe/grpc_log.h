#ifndef TAUD_SERVER_OBSERVE_GRPC_LOG_H_
#define TAUD_SERVER_OBSERVE_GRPC_LOG_H_

namespace taud::server {

// Has what gRPC itself logs written as our own lines, within a rate: strangers
// make it complain of every handshake that fails. For the whole process; any
// thread, before the first server.
void TakeGrpcLog();

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_GRPC_LOG_H_
