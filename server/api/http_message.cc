#include "server/api/http_message.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "httplib.h"

namespace taud::server {
namespace {

// Nothing of another origin, nothing inline, nobody's frame.
constexpr char kSafety[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 499:
      return "Client Closed Request";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Internal Server Error";
  }
}

// A request that has been read as a whole; what the library answers is not
// kept.
class WholeRequest : public httplib::Stream {
 public:
  explicit WholeRequest(const std::string& text) : text_(text) {}

  bool is_readable() const override { return read_ < text_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const size_t n = std::min(size, text_.size() - read_);
    std::copy_n(text_.data() + read_, n, to);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char*, size_t size) override {
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  const std::string& text_;
  size_t read_ = 0;
};

bool KeepsOpen(const httplib::Request& request) {
  if (request.version != "HTTP/1.1") return false;
  // A body that is not read would be taken for the next request.
  if (request.method != "POST" && (request.has_header("Content-Length") ||
                                   request.has_header("Transfer-Encoding"))) {
    return false;
  }
  const std::string connection =
      absl::AsciiStrToLower(request.get_header_value("Connection"));
  return !absl::StrContains(connection, "close");
}

// The library's parsing of a head, without its routes, connections and bodies:
// those have a thread each, and no end.
class HeadParser : public httplib::Server {
 public:
  std::optional<HttpRequest> Parse(const std::string& text) {
    std::optional<HttpRequest> parsed;
    set_pre_routing_handler([&parsed](const httplib::Request& request,
                                      httplib::Response&) {
      parsed.emplace();
      parsed->method = request.method;
      parsed->path = request.path;
      parsed->parameters.assign(request.params.begin(), request.params.end());
      for (const auto& [name, value] : request.headers) {
        parsed->headers.emplace(absl::AsciiStrToLower(name), value);
      }
      parsed->keeps_open = KeepsOpen(request);
      return HandlerResponse::Handled;
    });
    WholeRequest request(text);
    bool closed = false;
    Process(this, &request, &closed, [](httplib::Request& head) {
      // It would answer these by itself.
      head.ranges.clear();
      head.headers.erase("Range");
      head.headers.erase("Expect");
    });
    return parsed;
  }

 private:
  // The library's process_request as Debian 12 has it and, second, as Debian
  // 13, where the addresses of both ends belong to it: the one that compiles.
  template <typename Self, typename SetUp>
  static auto Process(Self* self, httplib::Stream* stream, bool* closed,
                      const SetUp& set_up)
      -> decltype(self->process_request(*stream, true, *closed, set_up)) {
    return self->process_request(*stream, true, *closed, set_up);
  }
  template <typename Self, typename SetUp>
  static auto Process(Self* self, httplib::Stream* stream, bool* closed,
                      const SetUp& set_up)
      -> decltype(self->process_request(*stream, "", 0, "", 0, true, *closed,
                                        set_up)) {
    return self->process_request(*stream, "", 0, "", 0, true, *closed, set_up);
  }
};

// HTTP/1.0 has no chunks.
bool IsHttp11(absl::string_view head) {
  return absl::EndsWith(head.substr(0, head.find("\r\n")), " HTTP/1.1");
}

}  // namespace

BodyLength BodyLengthOf(absl::string_view head) {
  const bool posts = absl::StartsWith(head, "POST ");
  std::optional<absl::string_view> length;
  std::optional<absl::string_view> coding;
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    const absl::string_view name = line.substr(0, colon);
    // Others take it for the name without the blank (RFC 9112, section 5.1).
    if (&line.front() != head.data() &&
        name.find_first_of(" \t") != name.npos) {
      return {BodyLength::Kind::kMalformed, 0};
    }
    const bool is_coding = absl::EqualsIgnoreCase(name, "Transfer-Encoding");
    if (!is_coding && !absl::EqualsIgnoreCase(name, "Content-Length")) continue;
    std::optional<absl::string_view>& value = is_coding ? coding : length;
    if (posts && value.has_value()) return {BodyLength::Kind::kMalformed, 0};
    value = absl::StripAsciiWhitespace(line.substr(colon + 1));
  }
  // What other methods send is not read.
  if (!posts) return {};
  if (coding.has_value()) {
    // Who reads the other of two lengths takes what follows for a request.
    if (length.has_value() || !IsHttp11(head)) {
      return {BodyLength::Kind::kMalformed, 0};
    }
    return {absl::EqualsIgnoreCase(*coding, "chunked")
                ? BodyLength::Kind::kChunked
                : BodyLength::Kind::kUnsupported,
            0};
  }
  if (!length.has_value()) return {};
  BodyLength body;
  const bool digits = std::all_of(length->begin(), length->end(), [](char c) {
    return absl::ascii_isdigit(c);
  });
  if (!digits || !absl::SimpleAtoi(*length, &body.bytes)) {
    return {BodyLength::Kind::kMalformed, 0};
  }
  return body;
}

std::optional<std::string> HttpRequest::Header(
    const std::string& lower_name) const {
  const auto [begin, end] = headers.equal_range(lower_name);
  if (begin == end || std::next(begin) != end) return std::nullopt;
  return begin->second;
}

std::optional<HttpRequest> ParseHttpRequest(const std::string& text) {
  std::optional<HttpRequest> request = HeadParser().Parse(text);
  if (!request.has_value()) return std::nullopt;
  const size_t end = text.find("\r\n\r\n");
  if (end != std::string::npos) request->body = text.substr(end + 4);
  return request;
}

std::string WriteHttpResponse(const HttpResponse& response, bool head_only,
                              bool keeps_open) {
  std::string text =
      absl::StrCat("HTTP/1.1 ", response.status, " ", Reason(response.status),
                   "\r\nConnection: ", keeps_open ? "keep-alive" : "close",
                   "\r\nContent-Length: ", response.body.size(),
                   "\r\nContent-Type: ", response.type,
                   "\r\nCache-Control: ", response.cache, "\r\n", kSafety);
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&text, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&text, "\r\n");
  if (!head_only) absl::StrAppend(&text, response.body);
  return text;
}

}  // namespace taud::server
