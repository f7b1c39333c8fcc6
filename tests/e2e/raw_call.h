#ifndef TAUD_TESTS_E2E_RAW_CALL_H_
#define TAUD_TESTS_E2E_RAW_CALL_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

namespace taud::e2e {

// Calls a method by its path, "/taud.v1.ModelService/GetStatus", with bytes as
// they are, and waits for the end. Deadline and credentials are the context's.
inline grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& path, const std::string& bytes,
                            grpc::ClientContext* context,
                            grpc::ByteBuffer* response) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const auto call =
      stub.PrepareUnaryCall(context, path, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  if (!queue.Next(&tag, &ok)) {
    return grpc::Status(grpc::StatusCode::INTERNAL, "the queue has ended");
  }
  return status;
}

}  // namespace taud::e2e

#endif  // TAUD_TESTS_E2E_RAW_CALL_H_
