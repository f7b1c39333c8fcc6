#ifndef TAUD_SERVER_API_OPENAPI_H_
#define TAUD_SERVER_API_OPENAPI_H_

#include <string>

#include "absl/strings/string_view.h"

namespace taud::server {

// The API as JSON, described in OpenAPI 3.1: a path for each line of
// JsonRoutes(), a schema for each message, and what the protos' comments say of
// them. Made once, of what protoc knew when the daemon was built. Any thread.
const std::string& OpenApi();

// The protos of the API with their comments: a serialised FileDescriptorSet,
// compiled in (cmake/TaudApi.cmake).
absl::string_view ApiDescriptors();

}  // namespace taud::server

#endif  // TAUD_SERVER_API_OPENAPI_H_
