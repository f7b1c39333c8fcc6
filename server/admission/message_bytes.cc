#include "server/admission/message_bytes.h"

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "model/check.h"

namespace taud::server {

void WriteMessage(const google::protobuf::Message& message,
                  grpc::ByteBuffer* bytes) {
  bool own_buffer = false;
  bytes->Clear();
  const grpc::Status status = grpc::GenericSerialize<grpc::ProtoBufferWriter,
                                                     google::protobuf::Message>(
      message, bytes, &own_buffer);
  TAUD_CHECK(status.ok());
}

}  // namespace taud::server
