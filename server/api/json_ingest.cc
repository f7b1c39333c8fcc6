#include "server/api/json_ingest.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "server/admission/message_bytes.h"
#include "server/rpc/errors.h"

namespace taud::server {

JsonIngest::JsonIngest(const JsonRoute& route, std::string body,
                       size_t max_answer_bytes, Done done)
    : route_(route),
      body_(std::move(body)),
      max_answer_bytes_(max_answer_bytes),
      done_(std::move(done)) {}

void JsonIngest::Start(grpc::GenericStub* stub, grpc::ClientContext* context) {
  stub->PrepareBidiStreamingCall(context, RpcPath(route_), grpc::StubOptions(),
                                 this);
  StartRead(&incoming_);
  // A hold, so that the call is not done between StartCall and the first write.
  AddHold();
  StartCall();
  SendNext();
  RemoveHold();
}

bool JsonIngest::NextLine(absl::string_view* line) {
  while (place_ < body_.size()) {
    const size_t end = body_.find('\n', place_);
    const size_t stop = end == std::string::npos ? body_.size() : end;
    *line = absl::string_view(body_).substr(place_, stop - place_);
    place_ = end == std::string::npos ? stop : stop + 1;
    ++line_;
    if (!absl::StripAsciiWhitespace(*line).empty()) return true;
  }
  return false;
}

absl::Status JsonIngest::MakeMessage(absl::string_view line) {
  const std::string name = absl::StrCat("line ", line_);
  if (answer_bytes_.load() >= max_answer_bytes_) {
    return FieldError(name, absl::StrCat("and those behind were not read: the "
                                         "answer has ",
                                         answer_bytes_.load(),
                                         " bytes; send fewer at a time"));
  }
  const auto message = MakeEmptyRequest(route_);
  absl::Status status = ReadJson(name, std::string(line), message.get());
  if (!status.ok()) return status;
  outgoing_.Clear();
  WriteMessage(*message, &outgoing_);
  return absl::OkStatus();
}

void JsonIngest::SendNext() {
  absl::string_view line;
  try {
    if (NextLine(&line)) {
      error_ = MakeMessage(line);
      if (error_.ok()) return StartWrite(&outgoing_);
    }
  } catch (...) {  // without memory
    error_ = CaughtStatus();
  }
  // What was sent before is acknowledged, then the call ends.
  StartWritesDone();
}

void JsonIngest::OnWriteDone(bool ok) {
  if (ok) SendNext();  // else the call has ended, and OnDone says how
}

void JsonIngest::OnReadDone(bool ok) {
  if (!ok) return;
  try {
    const auto message = MakeRpcResponse(route_);
    grpc::ProtoBufferReader reader(&incoming_);
    if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) {
      absl::StrAppend(&answer_, ToJson(*message), "\n");
      answer_bytes_.store(answer_.size());
    }
  } catch (...) {  // without memory: a line is missing, and so not acknowledged
  }
  StartRead(&incoming_);
}

void JsonIngest::OnDone(const grpc::Status& status) { done_(status); }

HttpResponse JsonIngest::Answer(const grpc::Status& status) const {
  HttpResponse response;
  if (!status.ok()) {
    response = JsonError(
        absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                     status.error_message()),
        status.error_details());
  } else if (!error_.ok()) {
    response = JsonError(error_, ToGrpcStatus(error_, "").error_details());
  }
  const bool failed = response.status != 200;
  response.type = "application/x-ndjson";
  response.body =
      failed ? absl::StrCat(answer_, "{\"error\":", response.body, "}\n")
             : answer_;
  return response;
}

}  // namespace taud::server
