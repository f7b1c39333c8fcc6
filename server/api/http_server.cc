#include "server/api/http_server.h"

#include <sys/socket.h>

#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "httplib.h"
#include "server/api/status_report.h"

namespace taud::server {
namespace {

// Each is one connection's while that is open, so that there are more than
// idle clients will hold; they wait without a cost.
constexpr int kThreads = 32;
constexpr int kTimeoutSeconds = 5;
// What says nothing is not waited for.
constexpr int kIdleSeconds = 1;

std::string StatusJson(const v1::Status& status) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto result =
      google::protobuf::util::MessageToJsonString(status, &json, options);
  return result.ok() ? json : std::string("{}");
}

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(const DaemonContext* context) : context_(context) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // One answer a connection: a scraper that keeps one would keep a thread,
    // and a probe would find none.
    server_.set_keep_alive_max_count(1);
    server_.set_keep_alive_timeout(kIdleSeconds);
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    server_.set_payload_max_length(4096);
    // Not SO_REUSEPORT, the library's default: two daemons would share a port.
    server_.set_socket_options([](auto socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    AddHandlers();
  }
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
    const std::string host = address.substr(0, colon);
    if (port == 0) {
      port_ = server_.bind_to_any_port(host);
    } else {
      port_ = server_.bind_to_port(host, port) ? port : -1;
    }
    if (port_ > 0) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", address,
        " (server.http_address): the address is in use or not of this host; "
        "stop the other program or choose another with --http-address"));
  }

  void Start() {
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // The library ignores a stop that comes before its loop has begun, and
    // has no way to wait for that; it is the first thing the thread does.
    while (!server_.is_running()) std::this_thread::yield();
  }

  void Stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }

 private:
  void AddHandlers() {
    server_.Get("/metrics",
                [this](const httplib::Request&, httplib::Response& response) {
                  response.set_content(
                      context_->metrics->Scrape(ReportStatus(*context_),
                                                context_->batcher->stats()),
                      "text/plain; version=0.0.4; charset=utf-8");
                });
    server_.Get("/healthz",
                [](const httplib::Request&, httplib::Response& response) {
                  response.set_content("ok\n", "text/plain");
                });
    server_.Get("/readyz", [this](const httplib::Request&,
                                  httplib::Response& response) {
      const bool ready = ReportStatus(*context_).ready();
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
    });
    server_.Get("/status",
                [this](const httplib::Request&, httplib::Response& response) {
                  response.set_content(StatusJson(ReportStatus(*context_)),
                                       "application/json");
                });
  }

  const DaemonContext* const context_;
  httplib::Server server_;
  int port_ = -1;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Bind(
    const std::string& address, const DaemonContext* context) {
  auto impl = std::make_unique<Impl>(context);
  absl::Status status = impl->Bind(address);
  if (!status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::Start() { impl_->Start(); }
void HttpServer::Stop() { impl_->Stop(); }
int HttpServer::port() const { return impl_->port(); }

}  // namespace taud::server
