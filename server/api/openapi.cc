#include "server/api/openapi.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "model/check.h"
#include "nlohmann/json.hpp"
#include "server/api/json_routes.h"
#include "server/rpc/rpc_method.h"

namespace taud::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using Json = nlohmann::ordered_json;

// What a comment in front of a declaration says.
template <typename Declared>
std::string CommentOf(const Declared& declared) {
  google::protobuf::SourceLocation location;
  if (!declared.GetSourceLocation(&location)) return "";
  std::string text =
      absl::StrReplaceAll(location.leading_comments, {{"\n ", "\n"}});
  return std::string(absl::StripAsciiWhitespace(text));
}

void Describe(const std::string& comment, Json* schema) {
  if (!comment.empty()) (*schema)["description"] = comment;
}

// "Filter", "BadRequest.FieldViolation"
std::string SchemaName(absl::string_view full_name) {
  absl::ConsumePrefix(&full_name, "taud.v1.");
  return std::string(full_name);
}

// Makes schemas, and remembers which messages they refer to.
class Schemas {
 public:
  Json Reference(const Descriptor& type) {
    const auto known = WellKnown(type.full_name());
    if (!known.is_null()) return known;
    if (seen_.insert(type.full_name()).second) todo_.push_back(&type);
    return {{"$ref", absl::StrCat("#/components/schemas/",
                                  SchemaName(type.full_name()))}};
  }

  Json FieldSchema(const FieldDescriptor& field) {
    Json schema;
    if (field.is_map()) {
      schema = {{"type", "object"},
                {"additionalProperties",
                 ValueSchema(*field.message_type()->map_value())}};
    } else if (field.is_repeated()) {
      schema = {{"type", "array"}, {"items", ValueSchema(field)}};
    } else {
      schema = ValueSchema(field);
    }
    std::string comment = CommentOf(field);
    const auto* choice = field.real_containing_oneof();
    if (choice != nullptr) {
      comment = absl::StrCat("One of the fields that are `", choice->name(),
                             "`. ", comment);
    }
    Describe(comment, &schema);
    return schema;
  }

  // All that were referred to, and what those refer to.
  Json Finish() {
    Json all = Json::object();
    while (!todo_.empty()) {
      const Descriptor& type = *todo_.front();
      todo_.pop_front();
      all[SchemaName(type.full_name())] = MessageSchema(type);
    }
    return all;
  }

 private:
  // Those that JSON spells in a way of its own.
  static Json WellKnown(const std::string& name) {
    if (name == "google.protobuf.FieldMask") {
      return {{"type", "string"}, {"examples", {"title,tags"}}};
    }
    if (name == "google.protobuf.Duration") {
      return {{"type", "string"}, {"examples", {"1.5s"}}};
    }
    if (name == "google.protobuf.Any") {
      return {{"type", "object"},
              {"properties", {{"@type", {{"type", "string"}}}}},
              {"additionalProperties", true}};
    }
    return nullptr;
  }

  static Json EnumSchema(const EnumDescriptor& type) {
    Json schema = {{"type", "string"}, {"enum", Json::array()}};
    std::string text = CommentOf(type);
    for (int i = 0; i < type.value_count(); ++i) {
      schema["enum"].push_back(type.value(i)->name());
      const std::string comment = CommentOf(*type.value(i));
      if (comment.empty()) continue;
      absl::StrAppend(&text, "\n- `", type.value(i)->name(), "`: ", comment);
    }
    Describe(text, &schema);
    return schema;
  }

  Json MessageSchema(const Descriptor& type) {
    Json schema = {{"type", "object"}};
    Describe(CommentOf(type), &schema);
    schema["properties"] = Json::object();
    for (int i = 0; i < type.field_count(); ++i) {
      schema["properties"][type.field(i)->name()] = FieldSchema(*type.field(i));
    }
    return schema;
  }

  Json ValueSchema(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case FieldDescriptor::CPPTYPE_INT32:
        return {{"type", "integer"}, {"format", "int32"}};
      case FieldDescriptor::CPPTYPE_UINT32:
        return {{"type", "integer"}, {"minimum", 0}};
      // As text, for JavaScript's numbers end at 2^53; a number is taken, too.
      case FieldDescriptor::CPPTYPE_INT64:
        return {{"type", {"string", "integer"}}, {"format", "int64"}};
      case FieldDescriptor::CPPTYPE_UINT64:
        return {{"type", {"string", "integer"}}, {"format", "uint64"}};
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return {{"type", "number"}};
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumSchema(*field.enum_type());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Reference(*field.message_type());
      case FieldDescriptor::CPPTYPE_STRING:
        break;
    }
    return {{"type", "string"}};
  }

  std::set<std::string> seen_;
  std::deque<const Descriptor*> todo_;
};

Json Parameter(const std::string& name, const std::string& place, Json schema) {
  Json parameter = {
      {"name", name}, {"in", place}, {"required", place == "path"}};
  if (schema.contains("description")) {
    parameter["description"] = schema["description"];
    schema.erase("description");
  }
  parameter["schema"] = std::move(schema);
  return parameter;
}

Json Content(const char* type, Json schema) {
  return {{"content", {{type, {{"schema", std::move(schema)}}}}}};
}

// `path_field` is the one that the path has; the others are the query's.
Json Parameters(const Descriptor& request, const std::string& path_field,
                Schemas* schemas) {
  Json list = Json::array();
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    const bool scalar = !field.is_repeated() &&
                        field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
    if (!scalar) continue;
    const bool in_path = field.name() == path_field;
    list.push_back(Parameter(field.name(), in_path ? "path" : "query",
                             schemas->FieldSchema(field)));
  }
  return list;
}

std::string PathFieldOf(absl::string_view path) {
  const size_t brace = path.find('{');
  if (brace == absl::string_view::npos) return "";
  return std::string(path.substr(brace + 1, path.size() - brace - 2));
}

// The first sentence, for lists of operations.
std::string Summary(const std::string& comment) {
  const std::string line = absl::StrReplaceAll(comment, {{"\n", " "}});
  const size_t end = line.find_first_of(".:;");
  return line.substr(0, end);
}

// With the role that the operation needs. The last one: while taud asks nobody
// who it is.
Json SecurityOf(const MethodDescriptor& method) {
  const auto* info =
      std::find_if(std::begin(kRpcMethods), std::end(kRpcMethods),
                   [&method](const RpcMethodInfo& one) {
                     return method.name() == one.name;
                   });
  TAUD_CHECK(info != std::end(kRpcMethods));
  const Json roles = {auth::RoleName(info->role)};
  return {{{"token", roles}}, {{"certificate", roles}}, Json::object()};
}

Json SecuritySchemes() {
  return {
      {"token",
       {{"type", "http"},
        {"scheme", "bearer"},
        {"description",
         "A token of `tauctl token new`, or a JWT of who "
         "`auth.jwks_file` trusts. It has roles; an operation needs one."}}},
      {"certificate",
       {{"type", "mutualTLS"},
        {"description",
         "A client's certificate that `tls.client_ca_file` vouches for, "
         "whose subject `auth.tokens_file` has."}}}};
}

Json Operation(const JsonRoute& route, const MethodDescriptor& method,
               Schemas* schemas) {
  const bool streams = route.kind == JsonRoute::Kind::kStream;
  const char* const type =
      streams ? "application/x-ndjson" : "application/json";
  const std::string comment = CommentOf(method);
  Json operation = {{"operationId", method.name()},
                    {"tags", {method.service()->name()}},
                    {"summary", Summary(comment)}};
  Describe(streams ? absl::StrCat("A message on each line, and an answer to "
                                  "each on a line.\n\n",
                                  comment)
                   : comment,
           &operation);
  if (absl::string_view(route.method) == "GET") {
    operation["parameters"] =
        Parameters(*method.input_type(), PathFieldOf(route.path), schemas);
  } else {
    operation["requestBody"] =
        Content(type, schemas->Reference(*method.input_type()));
  }
  Json answer = Content(type, schemas->Reference(*method.output_type()));
  answer["description"] = "What was asked for.";
  operation["security"] = SecurityOf(method);
  operation["responses"] = {
      {"200", std::move(answer)},
      {"default", {{"$ref", "#/components/responses/Error"}}}};
  return operation;
}

std::string MakeDocument() {
  google::protobuf::FileDescriptorSet files;
  const absl::string_view bytes = ApiDescriptors();
  TAUD_CHECK(
      files.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  DescriptorPool pool;
  for (const auto& file : files.file()) {
    TAUD_CHECK(pool.BuildFile(file) != nullptr);
  }
  Schemas schemas;
  Json paths = Json::object();
  for (const JsonRoute& route : JsonRoutes()) {
    paths[route.path][absl::AsciiStrToLower(route.method)] =
        Operation(route, *pool.FindMethodByName(route.rpc), &schemas);
  }
  Json error = Content(
      "application/json",
      schemas.Reference(*pool.FindMessageTypeByName("taud.v1.ErrorStatus")));
  error["description"] =
      "A google.rpc.Status: `code` is the canonical code's number, `details` "
      "names fields (BadRequest) and says when to try again (RetryInfo; the "
      "header Retry-After).";
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {
      {"title", "taud"},
      {"version", TAUD_VERSION},
      {"description",
       "Recommendations that learn online. The API of gRPC as JSON: protobuf's "
       "own mapping, fields named as in the protos, 64-bit numbers as texts. "
       "The header `Taud-Timeout` (\"250ms\", \"1.5s\") says how long the "
       "client waits, `X-Request-Id` names the request in the log."},
      {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}};
  document["servers"] = {{{"url", "/"}}};
  document["paths"] = std::move(paths);
  document["components"] = {{"schemas", schemas.Finish()},
                            {"responses", {{"Error", std::move(error)}}},
                            {"securitySchemes", SecuritySchemes()}};
  return document.dump();
}

}  // namespace

const std::string& OpenApi() {
  static const std::string& document = *new std::string(MakeDocument());
  return document;
}

}  // namespace taud::server
