#ifndef TAUD_SERVER_API_JSON_ROUTES_H_
#define TAUD_SERVER_API_JSON_ROUTES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/api/http_message.h"

namespace taud::server {

// The API over HTTP: which path is which call of the gRPC API, how its request
// is made of path, query and body, and how answers and errors are spelt as
// JSON: protobuf's own mapping, fields named as in the protos. A further call
// is a further line of the table. Constants and plain functions, any thread.

struct JsonRoute {
  const char* method;  // "GET" or "POST"
  // The last part may be "{field}", which takes the rest of the path.
  const char* path;
  const char* rpc;  // "taud.v1.ModelService.GetStatus"
  enum class Kind {
    kShort,
    kLong,    // may take as long as publishing does
    kStream,  // messages on lines of their own, each answered by one
  };
  Kind kind = Kind::kShort;
};

// The paths begin so.
inline constexpr char kJsonRoot[] = "/v1/";

absl::Span<const JsonRoute> JsonRoutes();
const google::protobuf::MethodDescriptor& MethodOf(const JsonRoute& route);

// NOT_FOUND; UNIMPLEMENTED for a path that has another method, naming it.
absl::StatusOr<const JsonRoute*> FindJsonRoute(const HttpRequest& request);

// "/taud.v1.ModelService/GetStatus"
std::string RpcPath(const JsonRoute& route);

// The request that `request` asks for, empty messages included.
// INVALID_ARGUMENT naming field and value.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> MakeRpcRequest(
    const JsonRoute& route, const HttpRequest& request);

// An empty request, and an empty answer, of the route's call.
std::unique_ptr<google::protobuf::Message> MakeEmptyRequest(
    const JsonRoute& route);
std::unique_ptr<google::protobuf::Message> MakeRpcResponse(
    const JsonRoute& route);

std::string ToJson(const google::protobuf::Message& message);

// Reads `text` into `message`. INVALID_ARGUMENT naming `field`, which `text`
// is.
absl::Status ReadJson(absl::string_view field, const std::string& text,
                      google::protobuf::Message* message);

// A google.rpc.Status, {"code": 5, "message": …, "details": […]}, under the
// status that HTTP has for the code, with Retry-After where it may be tried
// again. `details` is the serialised google.rpc.Status of gRPC's trailer.
HttpResponse JsonError(const absl::Status& status, const std::string& details);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_JSON_ROUTES_H_
