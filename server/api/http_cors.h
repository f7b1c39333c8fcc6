#ifndef TAUD_SERVER_API_HTTP_CORS_H_
#define TAUD_SERVER_API_HTTP_CORS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "server/api/http_message.h"

namespace taud::server {

// Pages of which other sites may use the API from a browser
// (server.http_cors_origins), and the headers of CORS that tell the browser so.
// Nobody's, unless they are listed. Constant, any thread.
class HttpOrigins {
 public:
  HttpOrigins() = default;
  // "https://shop.example, http://localhost:3000". INVALID_ARGUMENT, naming the
  // field and the value; "*" is none, for it would let every page in.
  static absl::StatusOr<HttpOrigins> Parse(const std::string& listed);

  // The page that sent the request is of a listed origin.
  bool Allow(const HttpRequest& request) const;

  // To be added to every answer to such a request.
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Headers AnswerHeaders(const HttpRequest& request) const;

  // The answer to OPTIONS, by which a browser asks before it sends what a form
  // could not. REQUIRES: Allow(request).
  HttpResponse AnswerPreflight(const HttpRequest& request) const;

 private:
  absl::flat_hash_set<std::string> origins_;  // lower case
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_CORS_H_
