#include "server/api/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "httplib.h"
#include "server/api/http_caller.h"
#include "server/api/http_connections.h"
#include "server/api/http_cors.h"
#include "server/api/http_message.h"
#include "server/api/http_safety.h"
#include "server/api/json_calls.h"
#include "server/api/json_routes.h"
#include "server/api/openapi.h"
#include "server/api/page_assets.h"
#include "server/api/status_report.h"
#include "server/rpc/errors.h"
#include "store/files/crc32c.h"

namespace taud::server {
namespace {

constexpr int kBacklog = 128;
constexpr char kHistoryPath[] = "/v1/history";
// Of a body, whatever server.max_message_bytes says.
constexpr size_t kMostBodyBytes = size_t{64} << 20;

// The library's binding of an address, without its connections.
class Listener : public httplib::Server {
 public:
  Listener() {
    // Not SO_REUSEPORT, the library's default: two daemons would share a port.
    set_socket_options([](auto socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
  }
  ~Listener() override {
    const int bound = Take();  // and never started
    if (bound >= 0) close(bound);
  }
  // The listening socket, which the library does not close then.
  int Take() { return svr_sock_.exchange(INVALID_SOCKET); }
};

HttpResponse Text(std::string body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

// A browser keeps it and asks whether it is still the same.
HttpResponse AnswerAsset(const HttpRequest& request, const PageAsset& asset) {
  HttpResponse response;
  response.type = asset.type;
  response.cache = "no-cache";
  const std::string tag = absl::StrFormat(
      "\"%08x\"", store::ComputeCrc32c(asset.bytes.data(), asset.bytes.size()));
  response.headers.emplace_back("ETag", tag);
  if (request.Header("if-none-match") == tag) {
    response.status = 304;
  } else {
    response.body = std::string(asset.bytes);
  }
  return response;
}

HttpConnections::Options ConnectionOptions(const DaemonContext& context) {
  HttpConnections::Options options;
  options.max_body_bytes =
      std::min(context.calls.max_message_bytes, kMostBodyBytes);
  return options;
}

HttpResponse ErrorOf(const absl::Status& status) {
  return JsonError(status, ToGrpcStatus(status, "").error_details());
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const DaemonContext* context, HttpHosts hosts, HttpOrigins origins)
      : context_(context),
        hosts_(std::move(hosts)),
        origins_(std::move(origins)),
        connections_(
            ConnectionOptions(*context),
            [this](const HttpPeer& peer, const std::string& text,
                   HttpReply reply) { Answer(peer, text, std::move(reply)); },
            [this](Refusal why) { context_->metrics->CountRefused(why); }) {}
  ~Impl() { Stop(); }

  absl::Status Bind(const std::string& address) {
    const size_t colon = address.rfind(':');
    int port = -1;
    if (colon == std::string::npos ||
        !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
        port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat(
          "server.http_address: \"", address, "\" is not host:port"));
    }
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    }
    if (port == 0) {
      port_ = listener_.bind_to_any_port(host);
    } else {
      port_ = listener_.bind_to_port(host, port) ? port : -1;
    }
    if (port_ > 0) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", address,
        " (server.http_address): the address is in use or not of this host; "
        "stop the other program or choose another with --http-address"));
  }

  void Start(const std::shared_ptr<grpc::Channel>& api, const TlsFiles* tls) {
    if (api != nullptr) {
      JsonCalls::Options options;
      options.max_answer_bytes = context_->calls.max_response_bytes;
      options.memory = context_->calls.memory;
      options.refused = [this](Refusal why) {
        context_->metrics->CountRefused(why);
      };
      options.gate = context_->calls.gate;
      calls_ = std::make_unique<JsonCalls>(std::move(options), api);
    }
    const int listener = listener_.Take();
    // The library's backlog of 5 is soon full of those that say nothing.
    listen(listener, kBacklog);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    connections_.Start(listener, tls);
  }

  void Stop() {
    if (calls_ != nullptr) calls_->Stop();
    connections_.Stop();
  }

  int port() const { return port_; }

 private:
  void Answer(const HttpPeer& peer, const std::string& text, HttpReply reply) {
    std::optional<HttpRequest> request = ParseHttpRequest(text);
    if (!request.has_value()) {
      return Send(Text("malformed request\n", 400), false, std::move(reply));
    }
    request->peer = peer;
    const bool head_only = request->method == "HEAD";
    if (absl::StartsWith(request->path, kJsonRoot)) {
      return AnswerApi(*request, std::move(reply));
    }
    Send(AnswerPage(*request), head_only, std::move(reply));
  }

  static void Send(const HttpResponse& response, bool head_only,
                   HttpReply reply) {
    reply(HttpText{WriteHttpResponse(response, head_only), nullptr});
  }

  // What machines and people look at.
  HttpResponse AnswerPage(const HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") {
      HttpResponse response = Text("only GET and HEAD\n", 405);
      response.headers.emplace_back("Allow", "GET, HEAD");
      return response;
    }
    const std::string& path = request.path;
    // Asked by address or by any name, as probes and scrapes do: they say
    // nothing of users and items.
    if (path == "/healthz") return Text("ok\n");
    if (path == "/readyz") {
      const std::string why = WhyNotReady(StandingOf(*context_));
      return why.empty() ? Text("ready\n")
                         : Text(absl::StrCat("not ready: ", why, "\n"), 503);
    }
    if (path == "/metrics") {
      const auto closed = RefuseMetrics(request);
      if (closed.has_value()) return *closed;
      HttpResponse response = Text(context_->metrics->Scrape(
          ReportStatus(*context_), context_->batcher->stats()));
      response.type = "text/plain; version=0.0.4; charset=utf-8";
      return response;
    }
    const auto refused = CheckHost(request, hosts_);
    if (refused.has_value()) return Refuse(*refused);
    if (path == "/openapi.json") {
      HttpResponse response = Text(OpenApi());
      response.type = "application/json";
      return response;
    }
    for (const PageAsset& asset : PageAssets()) {
      if (path == asset.path) return AnswerAsset(request, asset);
    }
    return Text("there is no such page\n", 404);
  }

  // The answer to who may not read the metrics.
  std::optional<HttpResponse> RefuseMetrics(const HttpRequest& request) {
    if (context_->open_metrics) return std::nullopt;
    const absl::Status status = Admit(request, auth::Role::kObserve);
    if (status.ok()) return std::nullopt;
    HttpResponse response = JsonError(status, "");
    response.type = Text("").type;
    response.body = absl::StrCat(status.message(), "\n");
    return response;
  }

  absl::Status Admit(const HttpRequest& request, auth::Role role) {
    absl::Status status = AdmitRequest(request, context_->calls.gate, role);
    if (!status.ok()) {
      RecordRefused(context_->calls, request.path, PresentedBy(request),
                    status);
      context_->metrics->CountRefused(absl::IsPermissionDenied(status)
                                          ? Refusal::kRole
                                          : Refusal::kCredential);
    }
    return status;
  }

  void AnswerApi(const HttpRequest& request, HttpReply reply) {
    auto refused = CheckHost(request, hosts_);
    if (!refused.has_value()) refused = CheckOrigin(request, origins_);
    if (refused.has_value()) {
      return SendApi(Refuse(*refused), request, std::move(reply));
    }
    if (request.method == "OPTIONS" && origins_.Allow(request)) {
      return Send(origins_.AnswerPreflight(request), true, std::move(reply));
    }
    if (calls_ == nullptr || context_->history == nullptr) {
      return SendApi(ErrorOf(absl::UnavailableError("there is no API here")),
                     request, std::move(reply));
    }
    if (request.path == kHistoryPath && request.method == "GET") {
      return SendApi(AnswerHistory(request), request, std::move(reply));
    }
    // Shared, for a std::function is copied.
    const auto once = std::make_shared<HttpReply>(std::move(reply));
    calls_->Call(request, [once, keeps_open = request.keeps_open,
                           more = origins_.AnswerHeaders(request)](
                              HttpResponse response,
                              std::shared_ptr<const void> held) {
      response.headers.insert(response.headers.end(), more.begin(), more.end());
      (*once)(HttpText{WriteHttpResponse(response, false, keeps_open),
                       std::move(held), keeps_open});
    });
  }

  // Closes the connection, other than the answer of a call.
  void SendApi(HttpResponse response, const HttpRequest& request,
               HttpReply reply) {
    for (auto& header : origins_.AnswerHeaders(request)) {
      response.headers.push_back(std::move(header));
    }
    Send(response, false, std::move(reply));
  }

  // The only path of the API that is no call of gRPC's: it is for plots.
  HttpResponse AnswerHistory(const HttpRequest& request) {
    const absl::Status admitted = Admit(request, auth::Role::kObserve);
    if (!admitted.ok()) return ErrorOf(admitted);
    int64_t since_ms = 0;
    for (const auto& [name, value] : request.parameters) {
      if (name != "since" || !absl::SimpleAtoi(value, &since_ms)) {
        return ErrorOf(absl::InvalidArgumentError(
            "the one parameter is since, Unix milliseconds"));
      }
    }
    HttpResponse response;
    response.type = "application/json";
    response.body = context_->history->Json(since_ms);
    return response;
  }

  HttpResponse Refuse(const HttpRefused& refused) {
    context_->metrics->CountRefused(refused.reason);
    HttpResponse response = ErrorOf(refused.error);
    response.status = refused.status;
    return response;
  }

  const DaemonContext* const context_;
  const HttpHosts hosts_;
  const HttpOrigins origins_;
  Listener listener_;
  int port_ = -1;
  std::unique_ptr<JsonCalls> calls_;
  HttpConnections connections_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Bind(
    const std::string& address, const std::string& hosts,
    const std::string& origins, const DaemonContext* context) {
  auto allowed = HttpHosts::Parse(address, hosts);
  if (!allowed.ok()) return allowed.status();
  auto pages = HttpOrigins::Parse(origins);
  if (!pages.ok()) return pages.status();
  auto impl =
      std::make_unique<Impl>(context, *std::move(allowed), *std::move(pages));
  absl::Status status = impl->Bind(address);
  if (!status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::Start(const std::shared_ptr<grpc::Channel>& api,
                       const TlsFiles* tls) {
  impl_->Start(api, tls);
}
void HttpServer::Stop() { impl_->Stop(); }
int HttpServer::port() const { return impl_->port(); }

}  // namespace taud::server
