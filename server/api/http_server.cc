#include "server/api/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "httplib.h"
#include "server/api/http_connections.h"
#include "server/api/status_report.h"

namespace taud::server {
namespace {

constexpr int kBacklog = 128;

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

// A request that has been read as a whole, and room for its answer.
class Exchange : public httplib::Stream {
 public:
  explicit Exchange(const std::string& head) : head_(head) {}

  bool is_readable() const override { return read_ < head_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const size_t n = std::min(size, head_.size() - read_);
    std::copy_n(head_.data() + read_, n, to);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    answer_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string TakeAnswer() { return std::move(answer_); }

 private:
  const std::string& head_;
  size_t read_ = 0;
  std::string answer_;
};

// The library's routing and parsing, without its connections: those have a
// thread each, and headers and bodies without an end.
class Pages : public httplib::Server {
 public:
  // The library's listening socket, which it does not close then.
  int TakeListener() { return svr_sock_.exchange(INVALID_SOCKET); }

  std::string Answer(const std::string& head) {
    Exchange exchange(head);
    bool closed = false;
    process_request(exchange, true, closed, [](httplib::Request& request) {
      // Each range is a copy of the page, and a head has room for thousands.
      request.ranges.clear();
      request.headers.erase("Range");
    });
    return exchange.TakeAnswer();
  }
};

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(const DaemonContext* context)
      : context_(context),
        connections_(
            HttpConnections::Options(),
            [this](const std::string& head) { return pages_.Answer(head); },
            [this](Refusal why) { context_->metrics->CountRefused(why); }) {
    // Not SO_REUSEPORT, the library's default: two daemons would share a port.
    pages_.set_socket_options([](auto socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    AddHandlers();
  }
  ~Impl() {
    Stop();
    // Bound and never started.
    const int listener = pages_.TakeListener();
    if (listener >= 0) close(listener);
  }

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
      port_ = pages_.bind_to_any_port(host);
    } else {
      port_ = pages_.bind_to_port(host, port) ? port : -1;
    }
    if (port_ > 0) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", address,
        " (server.http_address): the address is in use or not of this host; "
        "stop the other program or choose another with --http-address"));
  }

  void Start() {
    const int listener = pages_.TakeListener();
    // The library's backlog of 5 is soon full of those that say nothing.
    listen(listener, kBacklog);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    connections_.Start(listener);
  }

  void Stop() { connections_.Stop(); }

  int port() const { return port_; }

 private:
  void AddHandlers() {
    pages_.Get("/metrics",
               [this](const httplib::Request&, httplib::Response& response) {
                 response.set_content(
                     context_->metrics->Scrape(ReportStatus(*context_),
                                               context_->batcher->stats()),
                     "text/plain; version=0.0.4; charset=utf-8");
               });
    pages_.Get("/healthz",
               [](const httplib::Request&, httplib::Response& response) {
                 response.set_content("ok\n", "text/plain");
               });
    pages_.Get("/readyz", [this](const httplib::Request&,
                                 httplib::Response& response) {
      const bool ready = ReportStatus(*context_).ready();
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
    });
    pages_.Get("/status",
               [this](const httplib::Request&, httplib::Response& response) {
                 response.set_content(StatusJson(ReportStatus(*context_)),
                                      "application/json");
               });
  }

  const DaemonContext* const context_;
  Pages pages_;
  int port_ = -1;
  HttpConnections connections_;
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
