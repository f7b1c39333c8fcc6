#ifndef TAUD_SERVER_API_HTTP_CALLER_H_
#define TAUD_SERVER_API_HTTP_CALLER_H_

#include <optional>

#include "absl/status/status.h"
#include "auth/role.h"
#include "grpcpp/client_context.h"
#include "server/admission/gatekeeper.h"
#include "server/api/http_message.h"

// Who asks over HTTP. Plain functions, any thread.

namespace taud::server {

// As a call of gRPC would present it.
Presented PresentedBy(const HttpRequest& request);

// Whether who asks has the role: UNAUTHENTICATED or PERMISSION_DENIED if not.
// `gate` null: everybody has.
absl::Status AdmitRequest(const HttpRequest& request, const Gatekeeper* gate,
                          auth::Role role);

// Has a call to the daemon's own API be made for who asks. UNAUTHENTICATED if
// what is presented cannot be handed on: nobody's token looks like that.
absl::Status HandOnCaller(const HttpRequest& request, const Gatekeeper& gate,
                          grpc::ClientContext* context);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_CALLER_H_
