#ifndef TAUD_SERVER_ADMISSION_MESSAGE_BYTES_H_
#define TAUD_SERVER_ADMISSION_MESSAGE_BYTES_H_

#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace taud::server {

// Replaces *bytes by the serialised `message`. Fails only beyond 2 GiB, which
// no message of the API reaches: a CHECK.
void WriteMessage(const google::protobuf::Message& message,
                  grpc::ByteBuffer* bytes);

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_MESSAGE_BYTES_H_
