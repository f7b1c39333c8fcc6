#include "server/api/http_safety.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace taud::server {
namespace {

constexpr size_t kMaxShown = 100;

// "host:port", "host", "[::1]:port", "[::1]" without port and brackets; empty
// if it is none of these.
std::string NameOf(absl::string_view authority) {
  size_t end = authority.find(':');
  if (absl::StartsWith(authority, "[")) {
    end = authority.find(']');
    if (end == absl::string_view::npos) return "";
    const absl::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return "";
    return absl::AsciiStrToLower(authority.substr(1, end - 1));
  }
  if (end != absl::string_view::npos) {
    const absl::string_view port = authority.substr(end + 1);
    if (!std::all_of(port.begin(), port.end(),
                     [](char c) { return absl::ascii_isdigit(c); })) {
      return "";
    }
  }
  return absl::AsciiStrToLower(authority.substr(0, end));
}

bool IsAddress(const std::string& name) {
  in6_addr address;  // has room for both
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= 253 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

// What a stranger sent, fit for a message.
std::string Shown(absl::string_view text) {
  std::string shown(text.substr(0, kMaxShown));
  for (char& c : shown) {
    if (!absl::ascii_isprint(c)) c = '?';
  }
  return shown;
}

HttpRefused Refuse(int status, Refusal reason, absl::string_view message) {
  return {status, reason, absl::PermissionDeniedError(message)};
}

// Whether what a browser says of the page that asks is that it is ours.
std::optional<HttpRefused> CheckOwnPage(const HttpRequest& request,
                                        bool changes) {
  if (request.HasHeader("sec-fetch-site")) {
    const std::string site = request.Header("sec-fetch-site").value_or("");
    // "none": typed by a person, which only opens a page.
    if (site != "same-origin" && (changes || site != "none")) {
      return Refuse(403, Refusal::kHttpOrigin,
                    absl::StrCat("Sec-Fetch-Site: \"", Shown(site),
                                 "\": only this daemon's own page may ask"));
    }
  }
  if (!request.HasHeader("origin")) return std::nullopt;
  const std::string origin = request.Header("origin").value_or("");
  const std::string host = request.Header("host").value_or("");
  absl::string_view authority = origin;
  const bool web = absl::ConsumePrefix(&authority, "http://") ||
                   absl::ConsumePrefix(&authority, "https://");
  if (web && !host.empty() && absl::EqualsIgnoreCase(authority, host)) {
    return std::nullopt;
  }
  return Refuse(403, Refusal::kHttpOrigin,
                absl::StrCat("Origin: \"", Shown(origin),
                             "\" is not the Host \"", Shown(host),
                             "\": only this daemon's own page may ask, and "
                             "those of server.http_cors_origins"));
}

// No form can say so.
bool SendsJson(const HttpRequest& request) {
  const std::string type = request.Header("content-type").value_or("");
  const absl::string_view media = absl::StripAsciiWhitespace(
      absl::string_view(type).substr(0, type.find(';')));
  return absl::EqualsIgnoreCase(media, "application/json") ||
         absl::EqualsIgnoreCase(media, "application/x-ndjson");
}

}  // namespace

absl::StatusOr<HttpHosts> HttpHosts::Parse(const std::string& bound,
                                           const std::string& listed) {
  HttpHosts hosts;
  hosts.names_.insert("localhost");
  const std::string own = NameOf(bound);
  if (!own.empty()) hosts.names_.insert(own);
  for (absl::string_view name : absl::StrSplit(listed, ',')) {
    name = absl::StripAsciiWhitespace(name);
    if (name.empty()) continue;
    if (!IsName(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("server.http_hosts: \"", name,
                       "\" is no name of a host; give names without ports, "
                       "with commas between them"));
    }
    hosts.names_.insert(absl::AsciiStrToLower(name));
  }
  return hosts;
}

bool HttpHosts::Allows(absl::string_view host) const {
  const std::string name = NameOf(host);
  return IsAddress(name) || names_.contains(name);
}

std::optional<HttpRefused> CheckHost(const HttpRequest& request,
                                     const HttpHosts& hosts) {
  const std::optional<std::string> host = request.Header("host");
  if (host.has_value() && hosts.Allows(*host)) return std::nullopt;
  return Refuse(
      421, Refusal::kHttpHost,
      absl::StrCat("Host: \"", Shown(host.value_or("")),
                   "\" is not this daemon's name: ask by address or as "
                   "localhost, or list the name in server.http_hosts"));
}

std::optional<HttpRefused> CheckOrigin(const HttpRequest& request,
                                       const HttpOrigins& listed) {
  const bool changes = request.method == "POST";
  const bool is_listed = listed.Allow(request);
  if (!is_listed) {
    const auto refused = CheckOwnPage(request, changes);
    if (refused.has_value()) return refused;
  }
  if (!changes) return std::nullopt;
  const bool browser =
      request.HasHeader("origin") || request.HasHeader("sec-fetch-site");
  const bool nothing_sent =
      request.body.empty() && !request.HasHeader("content-type");
  if ((browser || !nothing_sent) && !SendsJson(request)) {
    return HttpRefused{415, Refusal::kHttpOrigin,
                       absl::InvalidArgumentError(absl::StrCat(
                           "Content-Type: \"",
                           Shown(request.Header("content-type").value_or("")),
                           "\" is not application/json (curl: --json)"))};
  }
  if (browser && !is_listed && request.Header("x-taud-request") != "1") {
    return Refuse(403, Refusal::kHttpOrigin,
                  "X-Taud-Request: a POST of a page needs this header, with 1");
  }
  return std::nullopt;
}

}  // namespace taud::server
