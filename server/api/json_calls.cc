#include "server/api/json_calls.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "server/admission/message_bytes.h"
#include "server/api/http_caller.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Nobody waits longer for a page.
constexpr auto kDeadline = std::chrono::seconds(10);
constexpr auto kLongDeadline = std::chrono::seconds(120);

HttpResponse LocalError(const absl::Status& status,
                        const std::string& request_id) {
  return JsonError(status, ToGrpcStatus(status, request_id).error_details());
}

// Empty if there is none, or one that metadata cannot carry: gRPC would end the
// process.
std::string RequestIdOf(const HttpRequest& request) {
  const std::string id = request.Header("x-request-id").value_or("");
  const bool printable = std::all_of(
      id.begin(), id.end(), [](char c) { return absl::ascii_isgraph(c); });
  return printable ? id : "";
}

}  // namespace

struct JsonCalls::Pending {
  const JsonRoute* route = nullptr;
  Reply reply;
  std::shared_ptr<const void> place;
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

JsonCalls::JsonCalls(Options options,
                     const std::shared_ptr<grpc::Channel>& channel)
    : options_(std::move(options)), stub_(channel) {}

JsonCalls::~JsonCalls() { Stop(); }

void JsonCalls::Call(const HttpRequest& request, const Reply& reply) {
  const auto route = FindJsonRoute(request);
  if (!route.ok()) {
    HttpResponse response = LocalError(route.status(), RequestIdOf(request));
    if (absl::IsUnimplemented(route.status())) response.status = 405;
    return reply(std::move(response), nullptr);
  }
  auto message = MakeRpcRequest(**route, request);
  if (!message.ok()) {
    return reply(LocalError(message.status(), RequestIdOf(request)), nullptr);
  }
  std::shared_ptr<const void> place = TakePlace((*route)->is_long);
  if (place == nullptr) {
    options_.refused(Refusal::kHttpCalls);
    return reply(LocalError(absl::UnavailableError(
                                "too many calls over HTTP are under way; retry "
                                "after a pause"),
                            RequestIdOf(request)),
                 nullptr);
  }
  auto call = std::make_unique<Pending>();
  call->route = *route;
  call->reply = reply;
  call->place = std::move(place);
  call->context.set_deadline(std::chrono::system_clock::now() +
                             ((*route)->is_long ? kLongDeadline : kDeadline));
  // Empty, the API gives it one.
  const std::string request_id = RequestIdOf(request);
  if (!request_id.empty())
    call->context.AddMetadata("x-request-id", request_id);
  if (options_.gate != nullptr) {
    const absl::Status status =
        HandOnCaller(request, *options_.gate, &call->context);
    if (!status.ok()) {
      options_.refused(Refusal::kCredential);
      return reply(LocalError(status, request_id), nullptr);
    }
  }
  Start(std::move(call), **message);
}

void JsonCalls::Start(std::unique_ptr<Pending> call,
                      const google::protobuf::Message& request) {
  WriteMessage(request, &call->request);
  {
    absl::MutexLock lock(&mutex_);
    if (!stopped_) pending_.insert(call.get());
    if (stopped_) call->place = nullptr;
  }
  if (call->place == nullptr) {
    return call->reply(
        LocalError(absl::UnavailableError("the server is stopping"), ""),
        nullptr);
  }
  Pending* const pending = call.release();  // Finish deletes it
  stub_.UnaryCall(
      &pending->context, RpcPath(*pending->route), grpc::StubOptions(),
      &pending->request, &pending->response,
      [this, pending](const grpc::Status& status) { Finish(pending, status); });
}

void JsonCalls::Finish(Pending* pending, const grpc::Status& status) {
  std::unique_ptr<Pending> call(pending);
  HttpResponse response;
  try {
    response = AnswerOf(*call, status);
  } catch (...) {  // without memory
    response.status = 500;
  }
  call->reply(std::move(response), std::move(call->place));
  // Before Stop goes on: the channel goes with the last one that has it, and
  // must not go on the thread that it calls back on.
  call.reset();
  absl::MutexLock lock(&mutex_);
  pending_.erase(pending);
}

HttpResponse JsonCalls::AnswerOf(const Pending& pending,
                                 const grpc::Status& status) {
  if (!status.ok()) {
    return JsonError(
        absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                     status.error_message()),
        status.error_details());
  }
  const auto message = MakeRpcResponse(*pending.route);
  grpc::ByteBuffer bytes = pending.response;
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !message->ParseFromZeroCopyStream(&reader)) {
    return JsonError(absl::InternalError("the answer could not be read"), "");
  }
  HttpResponse response;
  response.type = "application/json";
  response.body = ToJson(*message);
  if (response.body.size() > options_.max_answer_bytes) {
    options_.refused(Refusal::kAnswerBytes);
    return JsonError(
        absl::InvalidArgumentError(absl::StrCat(
            "the answer would have ", response.body.size(),
            " bytes as JSON, beyond the ", options_.max_answer_bytes,
            " that are allowed (server.max_response_bytes): ask for less at a "
            "time")),
        "");
  }
  return response;
}

std::shared_ptr<const void> JsonCalls::TakePlace(bool is_long) {
  {
    absl::MutexLock lock(&counts_->mutex);
    if (counts_->calls == options_.max_calls) return nullptr;
    if (is_long && counts_->longs == options_.max_long) return nullptr;
    ++counts_->calls;
    counts_->longs += is_long ? 1 : 0;
  }
  return std::shared_ptr<const void>(counts_.get(),
                                     [counts = counts_, is_long](const void*) {
                                       absl::MutexLock lock(&counts->mutex);
                                       --counts->calls;
                                       counts->longs -= is_long ? 1 : 0;
                                     });
}

void JsonCalls::Stop() {
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return pending_.empty();
  };
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (Pending* pending : pending_) pending->context.TryCancel();
  mutex_.Await(absl::Condition(&none));
}

}  // namespace taud::server
