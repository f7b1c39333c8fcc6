#ifndef TAUD_SERVER_CALL_H_
#define TAUD_SERVER_CALL_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/metrics.h"
#include "server/rpc_method.h"

namespace taud::server {

// What every call shares; outlives them all.
struct CallEnvironment {
  Metrics* metrics = nullptr;
  absl::Duration default_deadline = absl::InfiniteDuration();
};

// Parses a request that arrived as bytes. gRPC's own parsing would answer a
// malformed unary request with a bare INTERNAL and take a malformed streamed
// one for the end of the stream; this says INVALID_ARGUMENT and, for invalid
// UTF-8, which field.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes,
                          google::protobuf::Message* request);

// The id a client gave in the metadata `x-request-id` (up to 128 printable
// ASCII characters), or a new one.
std::string RequestId(const grpc::CallbackServerContext& context);

// Counts and logs the end of a call and gives the status to finish with.
grpc::Status EndCall(const CallEnvironment& environment, RpcMethod method,
                     const std::string& request_id, absl::Time start,
                     absl::Status status);

// One unary call: parses, finishes once, counts, logs, and deletes itself
// when gRPC is done with it. Created by a service's handler; Reply and Fail
// may be called from any thread, one of them, once, and nothing of the call
// may be touched afterwards.
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // `environment`, `context` and `response` outlive the call (gRPC's promise
  // for the latter two).
  UnaryCall(const CallEnvironment* environment, RpcMethod method,
            grpc::CallbackServerContext* context, grpc::ByteBuffer* response);

  // Parses the request; if it cannot, fails the call and returns false.
  bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message* request);

  void Reply(const google::protobuf::Message& response);
  void Fail(absl::Status status);

  // When nobody waits any more. Valid until Reply or Fail.
  absl::Time deadline() const { return deadline_; }
  const std::atomic<bool>* cancelled() const { return &cancelled_; }

 private:
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  const CallEnvironment* const environment_;
  const RpcMethod method_;
  grpc::ByteBuffer* const response_;
  const std::string request_id_;
  const absl::Time start_;
  const absl::Time deadline_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace taud::server

#endif  // TAUD_SERVER_CALL_H_
