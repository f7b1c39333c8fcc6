#include "server/api/http_caller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"

namespace taud::server {

Presented PresentedBy(const HttpRequest& request) {
  Presented presented;
  presented.authorization = request.Header("authorization").value_or("");
  presented.twice = request.headers.count("authorization") > 1;
  presented.subject = request.peer.subject;
  presented.certificates = request.peer.certificates;
  presented.address = request.peer.address;
  return presented;
}

absl::Status AdmitRequest(const HttpRequest& request, const Gatekeeper* gate,
                          auth::Role role) {
  if (gate == nullptr) return absl::OkStatus();
  return gate->Admit(PresentedBy(request), role, absl::Now()).status();
}

absl::Status HandOnCaller(const HttpRequest& request, const Gatekeeper& gate,
                          grpc::ClientContext* context) {
  Presented presented = PresentedBy(request);
  // Metadata with another character would end the process.
  const bool printable = std::all_of(
      presented.authorization.begin(), presented.authorization.end(),
      [](char c) { return absl::ascii_isprint(c); });
  if (presented.twice || !printable) {
    return absl::UnauthenticatedError(
        "one authorization header of printable characters is needed");
  }
  if (!presented.authorization.empty()) {
    context->AddMetadata("authorization", presented.authorization);
  }
  context->AddMetadata(Gatekeeper::kSecretKey, gate.secret());
  context->AddMetadata(Gatekeeper::kSubjectKey, presented.subject);
  context->AddMetadata(Gatekeeper::kCertificatesKey, presented.certificates);
  context->AddMetadata(Gatekeeper::kAddressKey, presented.address);
  return absl::OkStatus();
}

}  // namespace taud::server
