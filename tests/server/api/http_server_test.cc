#include "server/api/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    context_.metrics = &metrics_;
    context_.calls.max_message_bytes = 1 << 20;
    auto server = HttpServer::Bind("127.0.0.1:0", "taud.example",
                                   "https://shop.example", &context_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Start(nullptr);
  }
  ~HttpServerTest() override {
    for (const int fd : connections_) close(fd);
    server_->Stop();
  }

  int Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    connections_.push_back(fd);
    return fd;
  }
  void Ask(int fd) {
    Say(fd,
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  }
  static void Say(int fd, const std::string& request) {
    EXPECT_EQ(send(fd, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
  }
  // All that comes until the server closes.
  static std::string ReadAll(int fd) {
    std::string text;
    char buffer[1024];
    ssize_t n = 0;
    while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

  bool Counted(const std::string& reason) {
    return absl::StrContains(
        metrics_.Scrape(v1::Status(), Batcher::Stats()),
        absl::StrCat("taud_refused_total{reason=\"", reason, "\"} 1"));
  }
  // Until the server has closed, or has had 16 MiB of it.
  static size_t SendForEver(int fd, const std::string& part) {
    size_t sent = 0;
    while (sent < (16u << 20)) {
      const ssize_t n = send(fd, part.data(), part.size(), MSG_NOSIGNAL);
      if (n < 0) break;
      sent += static_cast<size_t>(n);
    }
    return sent;
  }

  Metrics metrics_;
  DaemonContext context_;
  std::unique_ptr<HttpServer> server_;
  std::vector<int> connections_;
};

TEST_F(HttpServerTest, ClosesAfterTheAnswerWhateverTheClientWants) {
  const int fd = Connect();
  Ask(fd);
  // Ends, though the client asked to keep the connection.
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200")) << answer;
  EXPECT_TRUE(absl::StrContains(answer, "Connection: close")) << answer;
}

TEST_F(HttpServerTest, IdleConnectionsKeepNobodyWaiting) {
  // More than it keeps: the oldest of them go.
  for (int i = 0; i < 300; ++i) Connect();
  for (int i = 0; i < 50; ++i) {
    const int fd = Connect();
    Ask(fd);
    EXPECT_TRUE(absl::StartsWith(ReadAll(fd), "HTTP/1.1 200")) << i;
  }
}

TEST_F(HttpServerTest, HeadersHaveAnEnd) {
  const int fd = Connect();
  Say(fd, "GET /healthz HTTP/1.1\r\n");
  EXPECT_LT(SendForEver(fd, "X-Header: and one more of them\r\n"), 16u << 20);
  EXPECT_TRUE(Counted("http_head"));
  const int long_path = Connect();
  Say(long_path, "GET /" + std::string(8192, 'a'));
  EXPECT_TRUE(absl::StartsWith(ReadAll(long_path), "HTTP/1.1 431"));
}

TEST_F(HttpServerTest, LargeBodiesAreNotRead) {
  for (const char* method : {"GET", "POST"}) {
    const int fd = Connect();
    Say(fd, absl::StrCat(method,
                         " /healthz HTTP/1.1\r\nHost: x\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n"));
    EXPECT_LT(SendForEver(fd, "8\r\nabcdefgh\r\n"), 16u << 20) << method;
  }
  const int fd = Connect();
  Say(fd, "POST /healthz HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(ReadAll(fd), "HTTP/1.1 4"));
}

TEST_F(HttpServerTest, RangesAreNotCopies) {
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  const int fd = Connect();
  Say(fd, "GET /healthz HTTP/1.1\r\nRange: " + ranges + "\r\n\r\n");
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200")) << answer;
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\nok\n")) << answer;
}

TEST_F(HttpServerTest, ARequestMayComeInPieces) {
  const int fd = Connect();
  for (const char* piece : {"GET /hea", "lthz HTTP/1.1\r", "\n", "\r\n"}) {
    Say(fd, piece);
  }
  EXPECT_TRUE(absl::StartsWith(ReadAll(fd), "HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ForeignHostsAreMisdirectedAndProbesAreNot) {
  const int fd = Connect();
  Say(fd, "GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 421")) << answer;
  EXPECT_TRUE(absl::StrContains(answer, "evil.example")) << answer;
  EXPECT_TRUE(Counted("http_host"));
  for (const char* host : {"evil.example", "10.0.0.5:9464"}) {
    const int probe = Connect();
    Say(probe,
        absl::StrCat("GET /healthz HTTP/1.1\r\nHost: ", host, "\r\n\r\n"));
    EXPECT_TRUE(absl::StartsWith(ReadAll(probe), "HTTP/1.1 200")) << host;
  }
}

TEST_F(HttpServerTest, OtherSitesPagesAreRefused) {
  const int fd = Connect();
  Say(fd,
      "POST /v1/publish HTTP/1.1\r\nHost: localhost\r\n"
      "Origin: http://evil.example\r\nX-Taud-Request: 1\r\n"
      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 403")) << answer;
  EXPECT_TRUE(absl::StrContains(answer, "\"message\"")) << answer;
  EXPECT_TRUE(Counted("http_origin"));
}

TEST_F(HttpServerTest, AListedPageIsToldThatItMay) {
  const int fd = Connect();
  Say(fd,
      "OPTIONS /v1/recommend HTTP/1.1\r\nHost: localhost\r\n"
      "Origin: https://shop.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 204")) << answer;
  for (const char* header :
       {"Access-Control-Allow-Origin: https://shop.example\r\n",
        "Access-Control-Allow-Methods: GET, POST\r\n", "Vary: Origin\r\n"}) {
    EXPECT_TRUE(absl::StrContains(answer, header)) << header << answer;
  }
  // Every answer, errors included, is readable for the page; no other page's
  // is.
  for (const char* origin : {"https://shop.example", "https://evil.example"}) {
    const int get = Connect();
    Say(get, absl::StrCat("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"
                          "Origin: ",
                          origin, "\r\n\r\n"));
    const std::string got = ReadAll(get);
    EXPECT_EQ(absl::StrContains(got, "Access-Control-Allow-Origin"),
              absl::StrContains(origin, "shop"))
        << got;
  }
  const int foreign = Connect();
  Say(foreign,
      "OPTIONS /v1/recommend HTTP/1.1\r\nHost: localhost\r\n"
      "Origin: https://evil.example\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(ReadAll(foreign), "HTTP/1.1 403"));
}

TEST_F(HttpServerTest, AListedOriginIsOne) {
  for (const char* bad : {"*", "shop.example", "https://", "https://a/b"}) {
    const auto server = HttpServer::Bind("127.0.0.1:0", "", bad, &context_);
    EXPECT_TRUE(absl::StrContains(server.status().message(),
                                  "server.http_cors_origins"))
        << server.status();
  }
}

TEST_F(HttpServerTest, HasThePageAndItsFiles) {
  const struct {
    const char* path;
    const char* type;
    const char* begin;
  } files[] = {{"/", "text/html", "<!doctype html>"},
               {"/app.js", "text/javascript", "\"use strict\""},
               {"/page.css", "text/css", ""},
               {"/favicon.svg", "image/svg+xml", "<svg"}};
  for (const auto& file : files) {
    const int fd = Connect();
    Say(fd, absl::StrCat("GET ", file.path,
                         " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const std::string answer = ReadAll(fd);
    EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200")) << file.path;
    EXPECT_TRUE(absl::StrContains(
        answer, absl::StrCat("Content-Type: ", file.type, "; charset=utf-8")))
        << answer.substr(0, 900);
    EXPECT_TRUE(absl::StrContains(answer, absl::StrCat("\r\n\r\n", file.begin)))
        << file.path;
    // The same again is not sent again.
    const size_t tag = answer.find("ETag: ") + 6;
    const int again = Connect();
    Say(again, absl::StrCat("GET ", file.path,
                            " HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: ",
                            answer.substr(tag, answer.find("\r\n", tag) - tag),
                            "\r\n\r\n"));
    EXPECT_TRUE(absl::StartsWith(ReadAll(again), "HTTP/1.1 304")) << file.path;
  }
}

TEST_F(HttpServerTest, EveryAnswerHasTheHeadersOfSafety) {
  for (const char* path : {"/healthz", "/nothing", "/v1/status"}) {
    const int fd = Connect();
    Say(fd, absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const std::string answer = ReadAll(fd);
    for (const char* header :
         {"Content-Security-Policy: default-src 'none'; script-src 'self'",
          "frame-ancestors 'none'", "X-Content-Type-Options: nosniff",
          "Referrer-Policy: no-referrer", "Cache-Control: no-store"}) {
      EXPECT_TRUE(absl::StrContains(answer, header)) << path << answer;
    }
  }
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const int fd = Connect();
  Say(fd, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = ReadAll(fd);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200")) << answer;
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\n")) << answer;
}

TEST_F(HttpServerTest, AListedHostIsAName) {
  const auto server =
      HttpServer::Bind("127.0.0.1:0", "a.example, http://b", "", &context_);
  EXPECT_TRUE(absl::StrContains(server.status().message(), "\"http://b\""))
      << server.status();
}

TEST_F(HttpServerTest, AnAddressNeedsAPort) {
  for (const char* address : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:70000"}) {
    EXPECT_EQ(HttpServer::Bind(address, "", "", &context_).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
}

}  // namespace
}  // namespace taud::server
