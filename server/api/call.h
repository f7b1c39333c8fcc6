#ifndef TAUD_SERVER_API_CALL_H_
#define TAUD_SERVER_API_CALL_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/admission/admission.h"
#include "server/admission/gatekeeper.h"
#include "server/api/latency_counts.h"
#include "server/audit/audit_log.h"
#include "server/observe/log_sampler.h"
#include "server/observe/metrics.h"
#include "server/rpc/answer_deadlines.h"
#include "server/rpc/call_queues.h"
#include "server/rpc/errors.h"
#include "server/rpc/rpc_method.h"
#include "store/log/event_store.h"

namespace taud::server {

// What bounds the lines about calls that failed. Faults of our own are not
// drowned by those of clients.
struct CallLog {
  LogSampler failures{/*per_second=*/5, /*burst=*/20};
  LogSampler faults{/*per_second=*/5, /*burst=*/20};

  // Says how many were left out and are not told of yet, if any were.
  void SayLeftOut();
};

// What every call shares; outlives them all.
struct CallEnvironment {
  Metrics* metrics = nullptr;
  // Null: every failure is logged.
  CallLog* log = nullptr;
  // Null: everybody may do everything.
  const Gatekeeper* gate = nullptr;
  // Null: nobody is told who has done what.
  AuditLog* audit = nullptr;
  // Null: nobody draws them.
  CallFigures* figures = nullptr;
  // What calls under way, and their answers until they are sent, may need
  // together; null: without a limit.
  MemoryBudget* memory = nullptr;
  // Null: answers may be sent for ever.
  AnswerDeadlines* answers = nullptr;
  absl::Duration default_deadline = absl::InfiniteDuration();
  // Larger requests and answers are refused; see config.v1.Server.
  size_t max_message_bytes = std::numeric_limits<size_t>::max();
  size_t max_response_bytes = std::numeric_limits<size_t>::max();
  // Paths of this machine, which no client is told.
  std::vector<std::string> paths;
};

// Who makes a call, if they may: UNAUTHENTICATED or PERMISSION_DENIED, counted,
// if not. Asked before anything looks at the request.
absl::StatusOr<Caller> AdmitCaller(const CallEnvironment& environment,
                                   RpcMethod method,
                                   const Presented& presented);
// Takes the cost of what the caller's limits allow: RESOURCE_EXHAUSTED,
// counted, if it is too much.
absl::Status ChargeCaller(const CallEnvironment& environment,
                          const Caller& caller, const Cost& cost);
// A place for a stream, likewise.
absl::StatusOr<StreamPlace> OpenStream(const CallEnvironment& environment,
                                       const Caller& caller);
// What is told of a call while it is under way, and the place for that. The
// place is null: it is not told of.
struct Recorded {
  AuditEntry entry;
  AuditPlace place;
};
// UNAVAILABLE, counted, for a call that must be told of and cannot be.
absl::StatusOr<Recorded> RecordCall(const CallEnvironment& environment,
                                    RpcMethod method, const Caller& caller,
                                    const Presented& presented,
                                    const std::string& request_id);
// Tells how it ended, if it is told of. `done`, which may be null, is called in
// every case, once that is on disk or cannot be.
void RecordEnd(const CallEnvironment& environment, Recorded* recorded,
               absl::StatusCode code, AuditLog::Done done);
// Tells that somebody was not let in; `what` is a method or a path.
void RecordRefused(const CallEnvironment& environment, const std::string& what,
                   const Presented& presented, const absl::Status& status);

// What the call presents; nothing while nobody is asked.
Presented PresentedIn(const CallEnvironment& environment,
                      const grpc::ServerContextBase& context);

// INVALID_ARGUMENT if the message is larger than is allowed.
absl::Status CheckMessageBytes(const CallEnvironment& environment,
                               const grpc::ByteBuffer& bytes);

// INVALID_ARGUMENT for an answer of so many bytes, if that is more than is
// allowed.
absl::Status CheckAnswerBytes(const CallEnvironment& environment, size_t bytes);

// Parses a request that arrived as bytes. gRPC's own parsing would answer a
// malformed unary request with a bare INTERNAL and take a malformed streamed
// one for the end of the stream; this says INVALID_ARGUMENT and, for invalid
// UTF-8, which field.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes,
                          google::protobuf::Message* request);

// The id a client gave in the metadata `x-request-id` (up to 128 printable
// ASCII characters), or a new one.
std::string RequestId(const grpc::ServerContextBase& context);

// Counts and logs the end of a call and gives the status to finish with. One
// that failed is logged for people (info; a fault of our own: error), within
// the rate of environment.log; one that did not, and a stream that its client
// gave up, as all streams of WatchStatus end, only for debugging.
grpc::Status EndCall(const CallEnvironment& environment, RpcMethod method,
                     const std::string& request_id, absl::Time start,
                     absl::Status status);

// Counts what was refused because there are as many ids as there may be.
void CountFull(const CallEnvironment& environment, store::FullOf full);

// Counts interactions that were acknowledged `latency` after their arrival.
void CountAck(const CallEnvironment& environment, size_t interactions,
              uint64_t last_sequence, absl::Duration latency);

// One unary call, whichever of gRPC's APIs it came through: parses, is
// answered once, counts, logs, and deletes itself when gRPC is done with it:
// when the answer has been sent, or will not be.
// Reply and Fail may be called from any thread, one of them, once, and nothing
// of the call may be touched afterwards.
class RpcCall {
 public:
  RpcCall(const RpcCall&) = delete;
  RpcCall& operator=(const RpcCall&) = delete;
  virtual ~RpcCall();

  // Whether the caller may make this call, and one more now; if not, fails it.
  bool Admit();
  // Who was admitted. REQUIRES: Admit().
  const Caller& caller() const { return caller_; }
  // Takes so many interactions of the caller's limits; if they are too many,
  // fails the call and returns false.
  bool ChargeInteractions(size_t interactions);
  // Calls `act` once it is on disk that the call begins: at once if that need
  // not be. If it cannot be, fails the call. REQUIRES: Parse. `act` may be
  // called on another thread, and must not block; what it throws fails the
  // call.
  void Begin(std::function<void()> act);
  // Parses the request; if it cannot, fails the call and returns false.
  bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message* request);

  // Without memory for the answer, the call fails. Never throw.
  void Reply(const google::protobuf::Message& response) noexcept;
  void Fail(absl::Status status) noexcept;

  // Counts `bytes` that the call needs until its answer has been sent, over
  // what is held already; fails the call and returns false if it is too much
  // together with the other calls'.
  bool Hold(size_t bytes);

  // When nobody waits any more. Valid until Reply or Fail.
  absl::Time deadline() const { return deadline_; }
  virtual const std::atomic<bool>* cancelled() const = 0;
  // gRPC's name of the client's address.
  std::string peer() const { return context_->peer(); }

 protected:
  // `environment` and `context` outlive the call.
  RpcCall(const CallEnvironment* environment, RpcMethod method,
          grpc::ServerContextBase* context);

 private:
  // Makes what is held what an answer of so many bytes needs. False: too much,
  // and the call has failed.
  bool HoldAnswer(size_t bytes);
  void End(const grpc::Status& status) noexcept;
  void SendEnd(const grpc::Status& status) noexcept;

  // The answer's bytes go to Buffer(), then Send ends the call.
  virtual grpc::ByteBuffer* Buffer() = 0;
  virtual void Send(const grpc::Status& status) noexcept = 0;

  const CallEnvironment* const environment_;
  const RpcMethod method_;
  grpc::ServerContextBase* const context_;
  const std::string request_id_;
  const absl::Time start_;
  const absl::Time deadline_;
  Caller caller_;
  Recorded recorded_;
  size_t held_ = 0;  // bytes of environment_->memory
  AnswerDeadlines::Answer answer_;
};

// A call of the callback API, made by a service's handler.
class UnaryCall : public RpcCall, public grpc::ServerUnaryReactor {
 public:
  // `environment`, `context` and `response` outlive the call (gRPC's promise
  // for the latter two).
  UnaryCall(const CallEnvironment* environment, RpcMethod method,
            grpc::CallbackServerContext* context, grpc::ByteBuffer* response)
      : RpcCall(environment, method, context), response_(response) {}

  const std::atomic<bool>* cancelled() const override { return &cancelled_; }

 private:
  grpc::ByteBuffer* Buffer() override { return response_; }
  void Send(const grpc::Status& status) noexcept override { Finish(status); }
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  grpc::ByteBuffer* const response_;
  std::atomic<bool> cancelled_{false};
};

// A call that arrived through a completion queue.
class QueuedCall : public RpcCall, public CallQueues::Attachment {
 public:
  // `environment` outlives the call; `call` is finished by it.
  QueuedCall(const CallEnvironment* environment, RpcMethod method,
             CallQueues::Call* call)
      : RpcCall(environment, method, call->mutable_context()), call_(call) {}

  const std::atomic<bool>* cancelled() const override {
    return call_->cancelled();
  }

 private:
  grpc::ByteBuffer* Buffer() override { return &response_; }
  void Send(const grpc::Status& status) noexcept override {
    // Goes with the call, once the answer has been sent.
    call_->Finish(response_, status,
                  std::unique_ptr<CallQueues::Attachment>(this));
  }

  CallQueues::Call* const call_;
  grpc::ByteBuffer response_;
};

// Does `body`, which ends with the call handed on, answered or failed; fails it
// if there is no memory for that.
template <typename Body>
void Guard(RpcCall* call, Body body) {
  try {
    body();
  } catch (...) {
    call->Fail(CaughtStatus());
  }
}

// What every handler begins with: Guard, of a caller who may make this call.
template <typename Body>
void Handle(RpcCall* call, Body body) {
  Guard(call, [call, &body] {
    if (call->Admit()) body();
  });
}

// What the handler of a call that changes something for good begins with:
// Handle, parsed, and on disk that it begins. `body` is called with the request
// as RpcCall::Begin says; what it refers to outlives the call.
template <typename Request, typename Body>
void HandleRecorded(RpcCall* call, const grpc::ByteBuffer& bytes, Body body) {
  Handle(call, [&] {
    const auto request = std::make_shared<Request>();
    if (!call->Parse(bytes, request.get())) return;
    call->Begin([request, body = std::move(body)] { body(*request); });
  });
}

}  // namespace taud::server

#endif  // TAUD_SERVER_API_CALL_H_
