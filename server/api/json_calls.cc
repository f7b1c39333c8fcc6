#include "server/api/json_calls.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "server/admission/message_bytes.h"
#include "server/api/http_caller.h"
#include "server/api/json_ingest.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Nobody waits longer for a page.
constexpr absl::Duration kDeadline = absl::Seconds(10);
constexpr absl::Duration kLongDeadline = absl::Seconds(120);

HttpResponse LocalError(const absl::Status& status,
                        const std::string& request_id) {
  return JsonError(status, ToGrpcStatus(status, request_id).error_details());
}

// How long the client waits, by its header Taud-Timeout ("250ms", "1.5s"); at
// most, and without one, `most`.
absl::StatusOr<absl::Duration> TimeoutOf(const HttpRequest& request,
                                         absl::Duration most) {
  if (!request.HasHeader("taud-timeout")) return most;
  const std::string text = request.Header("taud-timeout").value_or("");
  absl::Duration time;
  if (!absl::ParseDuration(text, &time) || time <= absl::ZeroDuration() ||
      time == absl::InfiniteDuration()) {
    return FieldError(
        "Taud-Timeout",
        "is no time to wait; allowed: a number above 0 and ms or s, as 250ms");
  }
  return std::min(time, most);
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
  std::unique_ptr<JsonIngest> stream;  // of a route that is one
};

JsonCalls::JsonCalls(Options options,
                     const std::shared_ptr<grpc::Channel>& channel)
    : options_(std::move(options)), stub_(channel) {}

JsonCalls::~JsonCalls() { Stop(); }

void JsonCalls::Call(const HttpRequest& request, const Reply& reply) {
  const std::string request_id = RequestIdOf(request);
  const auto route = FindJsonRoute(request);
  if (!route.ok()) {
    HttpResponse response = LocalError(route.status(), request_id);
    if (absl::IsUnimplemented(route.status())) response.status = 405;
    return reply(std::move(response), nullptr);
  }
  auto call = std::make_unique<Pending>();
  call->route = *route;
  call->reply = reply;
  const bool streams = (*route)->kind == JsonRoute::Kind::kStream;
  std::unique_ptr<google::protobuf::Message> message;
  absl::Status status = Prepare(request, call.get());
  if (status.ok() && !streams) {
    auto made = MakeRpcRequest(**route, request);
    status = made.status();
    if (made.ok()) message = *std::move(made);
  }
  if (!status.ok()) return reply(LocalError(status, request_id), nullptr);
  call->place = TakePlace((*route)->kind);
  if (call->place == nullptr) {
    options_.refused(Refusal::kHttpCalls);
    return reply(LocalError(absl::UnavailableError(
                                "too many calls over HTTP are under way; retry "
                                "after a pause"),
                            request_id),
                 nullptr);
  }
  if (streams) {
    StartStream(std::move(call), request.body);
  } else {
    StartUnary(std::move(call), *message);
  }
}

absl::Status JsonCalls::Prepare(const HttpRequest& request, Pending* call) {
  const absl::Duration most =
      call->route->kind == JsonRoute::Kind::kShort ? kDeadline : kLongDeadline;
  const auto time = TimeoutOf(request, most);
  if (!time.ok()) return time.status();
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + *time));
  // Empty, the API gives it one.
  const std::string request_id = RequestIdOf(request);
  if (!request_id.empty()) {
    call->context.AddMetadata("x-request-id", request_id);
  }
  if (options_.gate == nullptr) return absl::OkStatus();
  absl::Status status = HandOnCaller(request, *options_.gate, &call->context);
  if (!status.ok()) options_.refused(Refusal::kCredential);
  return status;
}

bool JsonCalls::Register(Pending* call) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopped_) {
      pending_.insert(call);
      ++alive_;
      return true;
    }
  }
  call->reply(LocalError(absl::UnavailableError("the server is stopping"), ""),
              nullptr);
  return false;
}

void JsonCalls::StartUnary(std::unique_ptr<Pending> call,
                           const google::protobuf::Message& request) {
  WriteMessage(request, &call->request);
  if (!Register(call.get())) return;
  Pending* const pending = call.release();  // Finish deletes it
  stub_.UnaryCall(
      &pending->context, RpcPath(*pending->route), grpc::StubOptions(),
      &pending->request, &pending->response,
      [this, pending](const grpc::Status& status) { Finish(pending, status); });
}

void JsonCalls::StartStream(std::unique_ptr<Pending> call, std::string body) {
  call->stream = std::make_unique<JsonIngest>(
      *call->route, std::move(body), options_.max_answer_bytes,
      [this, pending = call.get()](const grpc::Status& status) {
        Finish(pending, status);
      });
  if (!Register(call.get())) return;
  Pending* const pending = call.release();  // Finish deletes it
  pending->stream->Start(&stub_, &pending->context);
}

void JsonCalls::Finish(Pending* pending, const grpc::Status& status) {
  std::unique_ptr<Pending> call(pending);
  HttpResponse response;
  try {
    response = AnswerOf(*call, status);
  } catch (...) {  // without memory
    response.status = 500;
  }
  std::shared_ptr<const void> held = Hold(std::move(call->place), &response);
  call->reply(std::move(response), std::move(held));
  {
    // From here on Stop must not cancel it.
    absl::MutexLock lock(&mutex_);
    pending_.erase(pending);
  }
  // Before Stop goes on: the channel goes with the last one that has it, and
  // must not go on the thread that it calls back on.
  call.reset();
  absl::MutexLock lock(&mutex_);
  --alive_;
}

HttpResponse JsonCalls::AnswerOf(const Pending& pending,
                                 const grpc::Status& status) {
  if (pending.stream != nullptr) return pending.stream->Answer(status);
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

size_t* JsonCalls::Counts::Of(JsonRoute::Kind kind) {
  return kind == JsonRoute::Kind::kStream ? &streams : &longs;
}

std::shared_ptr<const void> JsonCalls::TakePlace(JsonRoute::Kind kind) {
  const bool is_short = kind == JsonRoute::Kind::kShort;
  const size_t most = kind == JsonRoute::Kind::kStream ? options_.max_streams
                                                       : options_.max_long;
  {
    absl::MutexLock lock(&counts_->mutex);
    if (counts_->calls == options_.max_calls) return nullptr;
    if (!is_short && *counts_->Of(kind) == most) return nullptr;
    ++counts_->calls;
    if (!is_short) ++*counts_->Of(kind);
  }
  return std::shared_ptr<const void>(
      counts_.get(), [counts = counts_, kind, is_short](const void*) {
        absl::MutexLock lock(&counts->mutex);
        --counts->calls;
        if (!is_short) --*counts->Of(kind);
      });
}

std::shared_ptr<const void> JsonCalls::Hold(std::shared_ptr<const void> place,
                                            HttpResponse* response) {
  if (options_.memory == nullptr) return place;
  const size_t bytes = response->body.size();
  if (!options_.memory->Take(bytes)) {
    options_.refused(Refusal::kMemory);
    *response = LocalError(
        absl::ResourceExhaustedError(
            "the answers that were not read yet need all of the memory they "
            "may (serving.max_request_memory_mib); retry after a pause"),
        "");
    return place;
  }
  return std::shared_ptr<const void>(
      place.get(), [place, bytes, memory = options_.memory](const void*) {
        memory->Give(bytes);
      });
}

void JsonCalls::Stop() {
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return alive_ == 0;
  };
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (Pending* pending : pending_) pending->context.TryCancel();
  mutex_.Await(absl::Condition(&none));
}

}  // namespace taud::server
