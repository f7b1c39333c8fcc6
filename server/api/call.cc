#include "server/api/call.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "model/steady_clock.h"
#include "server/admission/message_bytes.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxSubjectBytes = 1024;

// Protobuf tells only its log which field is not UTF-8. The log handler runs
// on the thread that parses, so the last line of this thread is about it.
thread_local std::string last_protobuf_line;

void KeepProtobufLine(google::protobuf::LogLevel, const char*, int,
                      const std::string& message) {
  last_protobuf_line = message;
}

void CaptureProtobufLog() {
  static const bool once = [] {
    google::protobuf::SetLogHandler(KeepProtobufLine);
    return true;
  }();
  (void)once;
}

absl::Status MalformedRequest(const google::protobuf::Message& request) {
  // "String field 'taud.v1.Interaction.user_id' contains invalid UTF-8 …"
  const size_t begin = last_protobuf_line.find('\'');
  const size_t end = last_protobuf_line.find('\'', begin + 1);
  if (end != std::string::npos &&
      last_protobuf_line.find("UTF-8") != std::string::npos) {
    const std::string path =
        last_protobuf_line.substr(begin + 1, end - begin - 1);
    return FieldError(path.substr(path.rfind('.') + 1), "is not UTF-8");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the request is not a valid ", request.GetDescriptor()->full_name()));
}

std::string NewRequestId() {
  thread_local std::mt19937_64 random(std::random_device{}());
  return absl::StrFormat("%016x", random());
}

LogLevel LevelOf(RpcMethod method, const absl::Status& status) {
  if (absl::IsInternal(status) || absl::IsUnknown(status) ||
      absl::IsDataLoss(status)) {
    return LogLevel::kError;
  }
  const bool given_up = absl::IsCancelled(status) && IsStream(method);
  return status.ok() || given_up ? LogLevel::kDebug : LogLevel::kInfo;
}

void LogCall(const CallEnvironment& environment, RpcMethod method,
             const std::string& request_id, absl::Duration latency,
             const absl::Status& status) {
  const LogLevel level = LevelOf(method, status);
  if (!LogEnabled(level)) return;
  uint64_t left_out = 0;
  if (level != LogLevel::kDebug && environment.log != nullptr) {
    LogSampler& sampler = level == LogLevel::kError ? environment.log->faults
                                                    : environment.log->failures;
    const auto taken = sampler.Take(model::SteadyNow());
    if (!taken.has_value()) return;
    left_out = *taken;
  }
  const std::string ms =
      absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(latency));
  if (status.ok()) {
    return Log(level, "call",
               {{"method", RpcMethodName(method)},
                {"request_id", request_id},
                {"code", "OK"},
                {"ms", ms}});
  }
  // What a client has done wrong may be told with the ids of its users.
  const bool names_ids =
      level == LogLevel::kInfo && !LogEnabled(LogLevel::kDebug);
  Log(level, "call failed",
      {{"method", RpcMethodName(method)},
       {"request_id", request_id},
       {"code", absl::StatusCodeToString(status.code())},
       {"ms", ms},
       {"field", FieldOf(status)},
       {"error", names_ids ? "" : std::string(status.message())},
       {"left_out", absl::StrCat(left_out)}});
}

absl::Time DeadlineOf(const grpc::ServerContextBase& context, absl::Time start,
                      absl::Duration default_deadline) {
  // gRPC says it by the wall clock, which may be set while the call waits.
  const absl::Duration given =
      absl::FromChrono(context.deadline()) - absl::Now();
  // It spells "none" as the end of time.
  if (given > absl::Hours(24 * 365)) return start + default_deadline;
  return start + given;
}

const char* CredentialName(CredentialKind kind) {
  switch (kind) {
    case CredentialKind::kToken:
      return "token";
    case CredentialKind::kJwt:
      return "jwt";
    case CredentialKind::kCertificate:
      return "certificate";
    case CredentialKind::kNone:
      break;
  }
  return "none";
}

// Those that people wait for.
bool IsAnswer(RpcMethod method) {
  return method == RpcMethod::kRecommend ||
         method == RpcMethod::kRecommendBatch ||
         method == RpcMethod::kSimilarItems;
}

}  // namespace

void CallLog::SayLeftOut() {
  for (LogSampler* sampler : {&failures, &faults}) {
    const uint64_t left_out = sampler->TakeLeftOut();
    if (left_out == 0) continue;
    Log(sampler == &faults ? LogLevel::kError : LogLevel::kInfo,
        "more calls failed than are logged",
        {{"left_out", absl::StrCat(left_out)}});
  }
}

Presented PresentedIn(const CallEnvironment& environment,
                      const grpc::ServerContextBase& context) {
  if (environment.gate == nullptr) return Presented();
  return environment.gate->PresentedBy(context);
}

absl::StatusOr<Caller> AdmitCaller(const CallEnvironment& environment,
                                   RpcMethod method,
                                   const Presented& presented) {
  if (environment.gate == nullptr) return Caller();
  auto caller = environment.gate->Admit(presented, RoleOf(method), absl::Now());
  if (!caller.ok()) {
    RecordRefused(environment, RpcMethodName(method), presented,
                  caller.status());
    environment.metrics->CountRefused(absl::IsPermissionDenied(caller.status())
                                          ? Refusal::kRole
                                          : Refusal::kCredential);
  }
  return caller;
}

absl::Status ChargeCaller(const CallEnvironment& environment,
                          const Caller& caller, const Cost& cost) {
  if (environment.gate == nullptr) return absl::OkStatus();
  absl::Status status =
      environment.gate->Charge(caller, cost, model::SteadyNow());
  if (!status.ok()) {
    environment.metrics->CountRefused(Refusal::kCredentialLimit);
  }
  return status;
}

absl::StatusOr<StreamPlace> OpenStream(const CallEnvironment& environment,
                                       const Caller& caller) {
  if (environment.gate == nullptr) return StreamPlace();
  auto place = environment.gate->OpenStream(caller, model::SteadyNow());
  if (!place.ok()) {
    environment.metrics->CountRefused(Refusal::kCredentialLimit);
  }
  return place;
}

absl::StatusOr<Recorded> RecordCall(const CallEnvironment& environment,
                                    RpcMethod method, const Caller& caller,
                                    const Presented& presented,
                                    const std::string& request_id) {
  Recorded recorded;
  if (environment.audit == nullptr) return recorded;
  if (RecordingOf(method) == Recording::kSampled) {
    recorded.place = environment.audit->Sample();
  } else {
    auto place = environment.audit->Enter();
    if (!place.ok()) {
      environment.metrics->CountRefused(Refusal::kAudit);
      return place.status();
    }
    recorded.place = *std::move(place);
  }
  if (recorded.place == nullptr) return recorded;
  AuditEntry& entry = recorded.entry;
  entry.method = RpcMethodName(method);
  entry.role = auth::RoleName(RoleOf(method));
  entry.credential = CredentialName(caller.kind);
  entry.who = caller.name;
  if (caller.kind == CredentialKind::kCertificate) {
    entry.subject = presented.subject;
  }
  entry.address = presented.address;
  entry.request_id = request_id;
  return recorded;
}

void RecordEnd(const CallEnvironment& environment, Recorded* recorded,
               absl::StatusCode code, AuditLog::Done done) {
  if (recorded->place == nullptr) {
    if (done) done(absl::OkStatus());
    return;
  }
  recorded->entry.time = absl::Now();
  recorded->entry.event = AuditEvent::kEnd;
  recorded->entry.code = code;
  environment.audit->End(recorded->entry, std::move(recorded->place),
                         std::move(done));
}

void RecordRefused(const CallEnvironment& environment, const std::string& what,
                   const Presented& presented, const absl::Status& status) {
  if (environment.audit == nullptr) return;
  AuditEntry entry;
  entry.time = absl::Now();
  entry.method = what;
  entry.subject = presented.subject.substr(0, kMaxSubjectBytes);
  entry.address = presented.address;
  entry.code = status.code();
  entry.reason = std::string(status.message());
  environment.audit->Refused(std::move(entry));
}

absl::Status CheckMessageBytes(const CallEnvironment& environment,
                               const grpc::ByteBuffer& bytes) {
  if (bytes.Length() <= environment.max_message_bytes) return absl::OkStatus();
  environment.metrics->CountRefused(Refusal::kMessageBytes);
  return absl::InvalidArgumentError(absl::StrCat(
      "the message has ", bytes.Length(), " bytes, more than the ",
      environment.max_message_bytes,
      " that are allowed (server.max_message_bytes): send less at a time"));
}

absl::Status CheckAnswerBytes(const CallEnvironment& environment,
                              size_t bytes) {
  if (bytes <= environment.max_response_bytes) return absl::OkStatus();
  environment.metrics->CountRefused(Refusal::kAnswerBytes);
  return absl::InvalidArgumentError(absl::StrCat(
      "the answer would have ", bytes, " bytes or more, beyond the ",
      environment.max_response_bytes,
      " that are allowed (server.max_response_bytes) and that clients take "
      "unless they are told otherwise: ask for less at a time, fewer users or "
      "items, or without titles and properties"));
}

absl::Status ParseRequest(const grpc::ByteBuffer& bytes,
                          google::protobuf::Message* request) {
  CaptureProtobufLog();
  last_protobuf_line.clear();
  grpc::ByteBuffer copy = bytes;  // shares the slices
  grpc::ProtoBufferReader reader(&copy);
  if (!reader.status().ok() || !request->ParseFromZeroCopyStream(&reader)) {
    return MalformedRequest(*request);
  }
  return absl::OkStatus();
}

std::string RequestId(const grpc::ServerContextBase& context) {
  const auto it = context.client_metadata().find("x-request-id");
  if (it == context.client_metadata().end()) return NewRequestId();
  const grpc::string_ref& given = it->second;
  const bool printable = std::all_of(given.begin(), given.end(), [](char c) {
    return absl::ascii_isgraph(c);
  });
  if (given.empty() || given.size() > kMaxRequestIdBytes || !printable) {
    return NewRequestId();
  }
  return std::string(given.data(), given.size());
}

grpc::Status EndCall(const CallEnvironment& environment, RpcMethod method,
                     const std::string& request_id, absl::Time start,
                     absl::Status status) {
  const absl::Duration latency = model::SteadyNow() - start;
  environment.metrics->CountRpc(method, static_cast<int>(status.code()),
                                latency);
  CountFull(environment, store::FullOfIds(status));
  LogCall(environment, method, request_id, latency, status);
  if (environment.figures != nullptr && IsAnswer(method)) {
    environment.figures->answers.Add(latency);
    if (!status.ok()) environment.figures->failed_answers.fetch_add(1);
  }
  if (status.ok()) return grpc::Status::OK;
  return ToGrpcStatus(WithoutPaths(status, environment.paths), request_id);
}

void CountFull(const CallEnvironment& environment, store::FullOf full) {
  if (full == store::FullOf::kNothing) return;
  environment.metrics->CountRefused(
      full == store::FullOf::kUsers ? Refusal::kUsers : Refusal::kItems);
}

void CountAck(const CallEnvironment& environment, size_t interactions,
              uint64_t last_sequence, absl::Duration latency) {
  environment.metrics->CountAck(interactions, last_sequence, latency);
  if (environment.figures != nullptr) environment.figures->acks.Add(latency);
}

RpcCall::RpcCall(const CallEnvironment* environment, RpcMethod method,
                 grpc::ServerContextBase* context)
    : environment_(environment),
      method_(method),
      context_(context),
      request_id_(RequestId(*context)),
      start_(model::SteadyNow()),
      deadline_(DeadlineOf(*context, start_, environment->default_deadline)) {
  context->AddTrailingMetadata("x-request-id", request_id_);
}

RpcCall::~RpcCall() {
  if (held_ > 0) environment_->memory->Give(held_);
}

bool RpcCall::Hold(size_t bytes) {
  if (environment_->memory == nullptr) return true;
  if (environment_->memory->Take(bytes)) {
    held_ += bytes;
    return true;
  }
  environment_->metrics->CountRefused(Refusal::kMemory);
  Fail(absl::ResourceExhaustedError(
      "the requests under way, and answers that were not read yet, need all of "
      "the memory they may (serving.max_request_memory_mib); retry after a "
      "pause"));
  return false;
}

bool RpcCall::HoldAnswer(size_t bytes) {
  if (held_ < bytes) return Hold(bytes - held_);
  if (held_ > bytes) environment_->memory->Give(held_ - bytes);
  held_ = bytes;
  return true;
}

bool RpcCall::Admit() {
  const Presented presented = PresentedIn(*environment_, *context_);
  auto caller = AdmitCaller(*environment_, method_, presented);
  absl::Status status = caller.status();
  if (caller.ok()) {
    caller_ = *std::move(caller);
    Cost cost;
    cost.requests = 1;
    status = ChargeCaller(*environment_, caller_, cost);
  }
  if (status.ok()) {
    auto recorded =
        RecordCall(*environment_, method_, caller_, presented, request_id_);
    status = recorded.status();
    if (recorded.ok()) recorded_ = *std::move(recorded);
  }
  if (status.ok()) return true;
  Fail(std::move(status));
  return false;
}

void RpcCall::Begin(std::function<void()> act) {
  if (recorded_.place == nullptr) return act();
  recorded_.entry.time = absl::Now();
  recorded_.entry.event = AuditEvent::kBegin;
  environment_->audit->Begin(
      recorded_.entry, recorded_.place,
      [this, act = std::move(act)](const absl::Status& written) {
        if (written.ok()) return Guard(this, act);
        environment_->metrics->CountRefused(Refusal::kAudit);
        Fail(written);
      });
}

bool RpcCall::ChargeInteractions(size_t interactions) {
  Cost cost;
  cost.interactions = static_cast<double>(interactions);
  absl::Status status = ChargeCaller(*environment_, caller_, cost);
  if (status.ok()) return true;
  Fail(std::move(status));
  return false;
}

bool RpcCall::Parse(const grpc::ByteBuffer& bytes,
                    google::protobuf::Message* request) {
  absl::Status status = CheckMessageBytes(*environment_, bytes);
  if (status.ok()) {
    Cost cost;
    cost.bytes = static_cast<double>(bytes.Length());
    status = ChargeCaller(*environment_, caller_, cost);
  }
  if (status.ok()) status = ParseRequest(bytes, request);
  if (status.ok()) {
    if (recorded_.place != nullptr) recorded_.entry.about = SubjectOf(*request);
    return true;
  }
  Fail(std::move(status));
  return false;
}

void RpcCall::Reply(const google::protobuf::Message& response) noexcept {
  grpc::Status status;
  try {
    absl::Status fits =
        CheckAnswerBytes(*environment_, response.ByteSizeLong());
    if (!fits.ok()) return Fail(std::move(fits));
    if (!HoldAnswer(response.ByteSizeLong())) return;
    WriteMessage(response, Buffer());
    status =
        EndCall(*environment_, method_, request_id_, start_, absl::OkStatus());
  } catch (...) {
    return Fail(CaughtStatus());
  }
  End(status);
}

void RpcCall::End(const grpc::Status& status) noexcept {
  if (recorded_.place == nullptr) return SendEnd(status);
  // Answered when it is on disk how it ended; even if that cannot be, for that
  // it began is there, and what was done is done.
  const bool synced = RecordingOf(method_) == Recording::kSynced;
  try {
    RecordEnd(*environment_, &recorded_,
              static_cast<absl::StatusCode>(status.error_code()),
              synced ? AuditLog::Done([this, status](const absl::Status&) {
                SendEnd(status);
              })
                     : nullptr);
    if (synced) return;
  } catch (...) {  // without memory
  }
  SendEnd(status);
}

void RpcCall::SendEnd(const grpc::Status& status) noexcept {
  if (environment_->answers != nullptr) {
    environment_->answers->Add(context_, &answer_);
  }
  Send(status);
}

void RpcCall::Fail(absl::Status status) noexcept {
  const auto code = static_cast<grpc::StatusCode>(status.code());
  grpc::Status wire;
  try {
    wire =
        EndCall(*environment_, method_, request_id_, start_, std::move(status));
  } catch (...) {
    wire = grpc::Status(code, "");
  }
  End(wire);
}

}  // namespace taud::server
