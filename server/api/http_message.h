#ifndef TAUD_SERVER_API_HTTP_MESSAGE_H_
#define TAUD_SERVER_API_HTTP_MESSAGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace taud::server {

// HTTP messages as texts: what a request says, and how an answer is spelt.
// Plain values and functions, any thread.

// How long the body of a request is, by its head.
struct BodyLength {
  enum class Kind {
    kKnown,
    kChunked,      // as long as its chunks say
    kUnsupported,  // another transfer encoding
    kMalformed,    // no number, more than one, or two ways to tell
  };
  Kind kind = Kind::kKnown;
  uint64_t bytes = 0;
};

// Only POST has a body; what other methods send is not looked at.
BodyLength BodyLengthOf(absl::string_view head);

// Who sent a request, as the connection says.
struct HttpPeer {
  std::string address;  // as gRPC writes it: "ipv4:10.0.0.1:4711"
  std::string subject;  // of a client certificate that was verified
  // That one's and of those that vouch for it: RevokedCertificates::Has.
  std::string certificates;
};

struct HttpRequest {
  std::string method;
  std::string path;  // percent-decoded, without the query
  // In the order of the library: sorted by name.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  HttpPeer peer;  // not of the text
  // The client would send another request on the same connection.
  bool keeps_open = false;

  // The header's value if it is there exactly once.
  std::optional<std::string> Header(const std::string& lower_name) const;
  bool HasHeader(const std::string& lower_name) const {
    return headers.count(lower_name) > 0;
  }
};

// Of a whole request, by cpp-httplib. Nothing: it is malformed.
std::optional<HttpRequest> ParseHttpRequest(const std::string& text);

struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::string cache = "no-store";
  std::vector<std::pair<std::string, std::string>> headers;  // more of them
};

// The text of an answer, after which the connection is closed unless
// `keeps_open`. Every answer carries the headers of docs/security.md. Without
// its body if `head_only`.
std::string WriteHttpResponse(const HttpResponse& response, bool head_only,
                              bool keeps_open = false);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_MESSAGE_H_
