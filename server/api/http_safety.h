#ifndef TAUD_SERVER_API_HTTP_SAFETY_H_
#define TAUD_SERVER_API_HTTP_SAFETY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/api/http_cors.h"
#include "server/api/http_message.h"
#include "server/rpc/refusal.h"

namespace taud::server {

// Which hosts a request may be for. A page of another site can have its own
// name resolve to our address (DNS rebinding), and then reads what it likes:
// its requests carry that name in Host. An address cannot be rebound, so every
// address is taken: that is how probes and scrapes by IP come in.
// Constant, any thread.
class HttpHosts {
 public:
  // `bound` is server.http_address, `listed` server.http_hosts: names with
  // commas between them. INVALID_ARGUMENT, naming the field and the value.
  static absl::StatusOr<HttpHosts> Parse(const std::string& bound,
                                         const std::string& listed);

  // `host` is a Host header: a name or an address, with or without a port.
  bool Allows(absl::string_view host) const;

 private:
  absl::flat_hash_set<std::string> names_;  // lower case
};

// Why a request is not answered, and as what that counts.
struct HttpRefused {
  int status = 403;
  Refusal reason = Refusal::kHttpOrigin;
  // The status' message for people; names the header and its value.
  absl::Status error;
};

// For pages and the API; /healthz, /readyz and /metrics are not asked.
std::optional<HttpRefused> CheckHost(const HttpRequest& request,
                                     const HttpHosts& hosts);

// For the API: whether a page of ours, one of a listed origin, or a program
// asks, not a page of another site. Every browser says with a POST which page
// sends it (Origin, Sec-Fetch-Site); who says neither is a program. What a POST
// sends must be said to be JSON, which no form can; our own page has to send
// X-Taud-Request besides.
std::optional<HttpRefused> CheckOrigin(const HttpRequest& request,
                                       const HttpOrigins& listed);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_SAFETY_H_
