#include "server/api/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    auto server = HttpServer::Bind("127.0.0.1:0", &context_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Start();
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
    const std::string request =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n";
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
  for (int i = 0; i < 20; ++i) Connect();
  for (int i = 0; i < 50; ++i) {
    const int fd = Connect();
    Ask(fd);
    EXPECT_TRUE(absl::StartsWith(ReadAll(fd), "HTTP/1.1 200")) << i;
  }
}

TEST_F(HttpServerTest, AnAddressNeedsAPort) {
  for (const char* address : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:70000"}) {
    EXPECT_EQ(HttpServer::Bind(address, &context_).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
}

}  // namespace
}  // namespace taud::server
