#include "server/api/json_routes.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "model/utf8.h"
#include "nlohmann/json.hpp"
#include "server/rpc/errors.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/error_details.pb.h"
#include "taud/v1/ingestion_service.pb.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

constexpr auto kLong = JsonRoute::Kind::kLong;
constexpr auto kStream = JsonRoute::Kind::kStream;

// All of the API, but WatchStatus (ask GetStatus again) and Backup, which
// writes to a directory and asks where its client is.
constexpr JsonRoute kRoutes[] = {
    {"POST", "/v1/recommend", "taud.v1.RecommendationService.Recommend"},
    {"POST", "/v1/recommend:batch",
     "taud.v1.RecommendationService.RecommendBatch"},
    {"POST", "/v1/similar", "taud.v1.RecommendationService.SimilarItems"},
    {"POST", "/v1/interactions", "taud.v1.IngestionService.WriteInteractions"},
    {"POST", "/v1/interactions:stream", "taud.v1.IngestionService.Ingest",
     kStream},
    {"POST", "/v1/interactions:retract",
     "taud.v1.IngestionService.RetractInteractions"},
    {"GET", "/v1/items", "taud.v1.CatalogService.ListItems"},
    {"GET", "/v1/items/{id}", "taud.v1.CatalogService.GetItem"},
    {"POST", "/v1/items:batch", "taud.v1.CatalogService.UpsertItems"},
    {"POST", "/v1/items:delete", "taud.v1.CatalogService.DeleteItems"},
    {"GET", "/v1/users/{id}", "taud.v1.CatalogService.GetUser"},
    {"POST", "/v1/users:batch", "taud.v1.CatalogService.UpsertUsers"},
    {"POST", "/v1/users:erase", "taud.v1.CatalogService.EraseUser"},
    {"GET", "/v1/erasures/{erasure_id}", "taud.v1.CatalogService.GetErasure"},
    {"GET", "/v1/status", "taud.v1.ModelService.GetStatus"},
    {"GET", "/v1/quality", "taud.v1.ModelService.GetQuality"},
    {"GET", "/v1/decisions", "taud.v1.ModelService.ListDecisions"},
    {"GET", "/v1/snapshots", "taud.v1.ModelService.ListSnapshots"},
    {"GET", "/v1/snapshots:diff", "taud.v1.ModelService.DiffSnapshots", kLong},
    {"POST", "/v1/snapshots:keep", "taud.v1.ModelService.KeepSnapshot", kLong},
    {"POST", "/v1/snapshots:release", "taud.v1.ModelService.ReleaseSnapshot",
     kLong},
    {"POST", "/v1/publish", "taud.v1.ModelService.Publish", kLong},
    {"POST", "/v1/rollback", "taud.v1.ModelService.Rollback", kLong},
    {"POST", "/v1/pause", "taud.v1.ModelService.Pause", kLong},
    {"POST", "/v1/resume", "taud.v1.ModelService.Resume", kLong},
};

// Named, so that they are linked in: the table finds them by name.
void LinkMessages() {
  static const bool once = [] {
    v1::GetStatusRequest::descriptor();
    v1::RecommendRequest::descriptor();
    v1::GetItemRequest::descriptor();
    v1::WriteInteractionsRequest::descriptor();
    return true;
  }();
  (void)once;
}

std::unique_ptr<Message> NewMessage(const Descriptor* type) {
  return std::unique_ptr<Message>(
      MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Whether the route's path is `path`; *rest is what its "{field}" stands for.
bool Matches(const JsonRoute& route, absl::string_view path,
             absl::string_view* rest) {
  const absl::string_view pattern = route.path;
  const size_t brace = pattern.find('{');
  if (brace == absl::string_view::npos) return pattern == path;
  if (!absl::StartsWith(path, pattern.substr(0, brace))) return false;
  *rest = path.substr(brace);
  return !rest->empty();
}

std::string PathField(const JsonRoute& route) {
  const absl::string_view pattern = route.path;
  const size_t brace = pattern.find('{');
  if (brace == absl::string_view::npos) return "";
  return std::string(pattern.substr(brace + 1, pattern.size() - brace - 2));
}

// Sets a scalar field from its text; false if it is none of its values.
bool SetFromText(const FieldDescriptor& field, const std::string& text,
                 Message* message) {
  const auto* reflection = message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(message, &field, text);
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection->SetBool(message, &field, text == "true");
      return text == "true" || text == "false";
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!absl::SimpleAtoi(text, &value)) return false;
      reflection->SetInt32(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      if (!absl::SimpleAtoi(text, &value)) return false;
      reflection->SetUInt64(message, &field, value);
      return true;
    }
    default:
      return false;  // no request that is asked for by GET has another
  }
}

absl::Status SetParameter(const std::string& name, const std::string& text,
                          Message* message) {
  if (!model::IsUtf8(name)) return FieldError("query", "is not UTF-8");
  const FieldDescriptor* field =
      message->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return FieldError(name, absl::StrCat("no parameter of this path; its "
                                         "parameters are the fields of ",
                                         message->GetDescriptor()->name()));
  }
  if (!model::IsUtf8(text)) return FieldError(name, "is not UTF-8");
  if (SetFromText(*field, text, message)) return absl::OkStatus();
  return FieldError(name, absl::StrCat("\"", text, "\" is not a value of type ",
                                       field->cpp_type_name()));
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

// As JSON and, of a RetryInfo, the seconds.
template <typename Detail>
nlohmann::json DetailJson(const google::protobuf::Any& any) {
  Detail detail;
  if (!detail.ParseFromString(any.value())) return nullptr;
  return nlohmann::json::parse(ToJson(detail), nullptr, false);
}

nlohmann::json DetailsJson(const std::string& serialised, int* retry_seconds) {
  nlohmann::json list = nlohmann::json::array();
  v1::ErrorStatus status;
  if (!status.ParseFromString(serialised)) return list;
  for (const google::protobuf::Any& any : status.details()) {
    nlohmann::json one;
    if (absl::EndsWith(any.type_url(), ".BadRequest")) {
      one = DetailJson<v1::BadRequest>(any);
    } else if (absl::EndsWith(any.type_url(), ".RequestInfo")) {
      one = DetailJson<v1::RequestInfo>(any);
    } else if (absl::EndsWith(any.type_url(), ".RetryInfo")) {
      one = DetailJson<v1::RetryInfo>(any);
      v1::RetryInfo info;
      if (info.ParseFromString(any.value())) {
        *retry_seconds = static_cast<int>(info.retry_delay().seconds()) +
                         (info.retry_delay().nanos() > 0 ? 1 : 0);
      }
    }
    // A request that did not reach the API was given no id.
    if (!one.is_object() || one.value("request_id", "-").empty()) continue;
    one["@type"] = any.type_url();
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

absl::Span<const JsonRoute> JsonRoutes() { return kRoutes; }

const MethodDescriptor& MethodOf(const JsonRoute& route) {
  LinkMessages();
  return *DescriptorPool::generated_pool()->FindMethodByName(route.rpc);
}

absl::Status ReadJson(absl::string_view field, const std::string& text,
                      Message* message) {
  if (!model::IsUtf8(text)) return FieldError(field, "is not UTF-8");
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(text, message);
  if (parsed.ok()) return absl::OkStatus();
  // Protobuf draws where it stopped on lines of their own.
  return FieldError(
      field, absl::StrReplaceAll(absl::string_view(parsed.message().data(),
                                                   parsed.message().size()),
                                 {{"\n\n", " "}, {"\n", " "}}));
}

absl::StatusOr<const JsonRoute*> FindJsonRoute(const HttpRequest& request) {
  const char* other = nullptr;
  for (const JsonRoute& route : kRoutes) {
    absl::string_view rest;
    if (!Matches(route, request.path, &rest)) continue;
    if (request.method == route.method) return &route;
    other = route.method;
  }
  if (other == nullptr) {
    return absl::NotFoundError("there is no such path in the API");
  }
  return absl::UnimplementedError(
      absl::StrCat("this path is asked by ", other));
}

std::string RpcPath(const JsonRoute& route) {
  const MethodDescriptor& method = MethodOf(route);
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

absl::StatusOr<std::unique_ptr<Message>> MakeRpcRequest(
    const JsonRoute& route, const HttpRequest& request) {
  std::unique_ptr<Message> message = MakeEmptyRequest(route);
  if (request.method == "POST" && !request.body.empty()) {
    absl::Status status = ReadJson("body", request.body, message.get());
    if (!status.ok()) return status;
  }
  for (const auto& [name, value] : request.parameters) {
    absl::Status status = SetParameter(name, value, message.get());
    if (!status.ok()) return status;
  }
  absl::string_view rest;
  Matches(route, request.path, &rest);
  const std::string field = PathField(route);
  if (!field.empty()) {
    absl::Status status = SetParameter(field, std::string(rest), message.get());
    if (!status.ok()) return status;
  }
  return message;
}

std::unique_ptr<Message> MakeEmptyRequest(const JsonRoute& route) {
  return NewMessage(MethodOf(route).input_type());
}

std::unique_ptr<Message> MakeRpcResponse(const JsonRoute& route) {
  return NewMessage(MethodOf(route).output_type());
}

std::string ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto result =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  return result.ok() ? json : std::string("{}");
}

HttpResponse JsonError(const absl::Status& status, const std::string& details) {
  HttpResponse response;
  response.status = HttpStatusOf(status.code());
  response.type = "application/json";
  int retry_seconds = 0;
  nlohmann::json error;
  error["code"] = static_cast<int>(status.code());
  error["message"] = status.message().empty() && absl::IsUnimplemented(status)
                         ? "this daemon does not answer this call"
                         : std::string(status.message());
  error["details"] = DetailsJson(details, &retry_seconds);
  // What is no UTF-8 is replaced, not thrown at.
  response.body =
      error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (absl::IsUnauthenticated(status)) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  if (retry_seconds > 0) {
    response.headers.emplace_back("Retry-After", absl::StrCat(retry_seconds));
  }
  return response;
}

}  // namespace taud::server
