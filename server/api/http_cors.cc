#include "server/api/http_cors.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace taud::server {
namespace {

// "scheme://host" or "scheme://host:port", as a browser writes it in Origin.
bool IsOrigin(absl::string_view text) {
  const bool web = absl::ConsumePrefix(&text, "http://") ||
                   absl::ConsumePrefix(&text, "https://");
  return web && !text.empty() && text.size() <= 262 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == ':' ||
                  c == '[' || c == ']';
         });
}

}  // namespace

absl::StatusOr<HttpOrigins> HttpOrigins::Parse(const std::string& listed) {
  HttpOrigins origins;
  for (absl::string_view entry : absl::StrSplit(listed, ',')) {
    const std::string origin =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(entry));
    if (origin.empty()) continue;
    if (!IsOrigin(origin)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "server.http_cors_origins: \"", origin,
          "\" is no origin; give each as https://HOST or https://HOST:PORT, "
          "with commas between them"));
    }
    origins.origins_.insert(origin);
  }
  return origins;
}

bool HttpOrigins::Allow(const HttpRequest& request) const {
  const auto origin = request.Header("origin");
  return origin.has_value() &&
         origins_.contains(absl::AsciiStrToLower(*origin));
}

HttpOrigins::Headers HttpOrigins::AnswerHeaders(
    const HttpRequest& request) const {
  if (origins_.empty()) return {};
  // What lies in a cache is one origin's.
  Headers headers = {{"Vary", "Origin"}};
  if (!Allow(request)) return headers;
  headers.emplace_back("Access-Control-Allow-Origin",
                       *request.Header("origin"));
  headers.emplace_back("Access-Control-Expose-Headers",
                       "Retry-After, X-Request-Id");
  return headers;
}

HttpResponse HttpOrigins::AnswerPreflight(const HttpRequest& request) const {
  HttpResponse response;
  response.status = 204;
  response.headers = AnswerHeaders(request);
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
  response.headers.emplace_back(
      "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Taud-Timeout, X-Request-Id");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace taud::server
