// What strangers do with connections: the daemon goes on, and counts it.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;

constexpr int kConnections = 8;

// One frame of HTTP/2.
std::string Frame(char type, char flags, char stream,
                  const std::string& payload) {
  const auto size = static_cast<char>(payload.size());
  EXPECT_LT(payload.size(), 256u);
  return std::string{0, 0, size, type, flags, 0, 0, 0, stream} + payload;
}

// One header, not compressed.
std::string Header(const std::string& name, const std::string& value) {
  const auto of_name = static_cast<char>(name.size());
  const auto of_value = static_cast<char>(value.size());
  return std::string{0, of_name} + name + of_value + value;
}

class AttackTest : public testing::Test {
 protected:
  AttackTest() {
    std::vector<std::string> arguments = QuickTraining();
    for (const std::string& set :
         {absl::StrCat("server.max_connections=", kConnections),
          std::string("server.answer_seconds=1")}) {
      arguments.push_back("--set");
      arguments.push_back(set);
    }
    daemon_ = std::make_unique<DaemonProcess>(directory_.path(), arguments);
    EXPECT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  }
  ~AttackTest() override {
    for (const int fd : connections_) close(fd);
  }

  std::string Metrics() const {
    httplib::Client http("127.0.0.1", daemon_->http_port());
    const auto result = http.Get("/metrics");
    return result ? result->body : "";
  }
  // A series appears with the first that is counted. -1: nobody answers.
  double Refused(const std::string& reason) const {
    const std::string line =
        absl::StrCat("taud_refused_total{reason=\"", reason, "\"} ");
    const std::string metrics = Metrics();
    const size_t at = metrics.find(line);
    if (metrics.empty()) return -1;
    return at == std::string::npos
               ? 0
               : std::stod(metrics.substr(at + line.size()));
  }
  int Connect(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    connections_.push_back(fd);
    return fd;
  }
  int grpc_port() const {
    const std::string address = daemon_->grpc_address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }
  // As a client that has not been here yet.
  bool Answers() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1::ModelService::NewStub(grpc::CreateCustomChannel(
        daemon_->grpc_address(), grpc::InsecureChannelCredentials(),
        arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(60));
    context.set_wait_for_ready(true);
    v1::Status status;
    return stub->GetStatus(&context, v1::GetStatusRequest(), &status).ok();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::vector<int> connections_;
};

TEST_F(AttackTest, ConnectionsDoNotEndTheServer) {
  // Held, silent, and far more than are allowed.
  for (int i = 0; i < 300; ++i) Connect(grpc_port());
  // The last of them has been refused: what is accepted is so in order.
  char byte = 0;
  while (recv(connections_.back(), &byte, 1, 0) > 0) {
  }
  EXPECT_GT(Refused("connections") + Refused("host_rate"), 300 / 2);
  EXPECT_GT(Refused("host_rate"), 0) << "a host has a hundred a second";
  for (const int fd : connections_) close(fd);
  connections_.clear();
  EXPECT_TRUE(Answers());
  EXPECT_THAT(Metrics(), HasSubstr("taud_insecure 0"));
}

// Neither is a connection ended for its pings, which would cost more, nor is
// one left without an answer.
TEST_F(AttackTest, PingsAreAnswered) {
  constexpr int kPings = 1000;
  const int fd = Connect(grpc_port());
  std::string sent = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, "");
  for (int p = 0; p < kPings; ++p) sent += Frame(6, 0, 0, std::string(8, 'p'));
  ASSERT_EQ(send(fd, sent.data(), sent.size(), 0),
            static_cast<ssize_t>(sent.size()));
  constexpr size_t kHead = 9;
  int answers = 0;
  std::string got;
  char bytes[4096];
  while (answers < kPings) {
    const ssize_t size = recv(fd, bytes, sizeof(bytes), 0);
    ASSERT_GT(size, 0) << "ended after " << answers;
    got.append(bytes, static_cast<size_t>(size));
    size_t at = 0;
    while (got.size() - at >= kHead) {
      const size_t whole = kHead + static_cast<uint8_t>(got[at + 2]);
      if (got.size() - at < whole) break;
      if (got[at + 3] == 6 && got[at + 4] == 1) ++answers;
      at += whole;
    }
    got.erase(0, at);
  }
  EXPECT_TRUE(Answers());
}

TEST_F(AttackTest, CompressedRequestsAreRefusedBeforeTheyAreInflated) {
  const ApiClient api(*daemon_);
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::WriteInteractionsRequest request;
  request.add_interactions()->set_user_id(std::string(60 << 20, 'x'));
  v1::WriteInteractionsResponse response;
  const grpc::Status status =
      api.ingestion->WriteInteractions(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED)
      << status.error_message();
  EXPECT_TRUE(Answers());
}

TEST_F(AttackTest, AnAnswerThatNobodyReadsIsLetGo) {
  // A client of HTTP/2 that opens no window for answers.
  const std::string no_window = Frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6));
  const std::string headers =
      Header(":method", "POST") + Header(":scheme", "http") +
      Header(":path", "/taud.v1.ModelService/GetStatus") +
      Header(":authority", "x") + Header("content-type", "application/grpc") +
      Header("te", "trailers");
  const std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + no_window +
                            Frame(1, 4, 1, headers) +
                            Frame(0, 1, 1, std::string(5, '\0'));
  const int fd = Connect(grpc_port());
  ASSERT_EQ(send(fd, bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  while (Refused("answer_time") == 0) {
  }
  EXPECT_EQ(Refused("answer_time"), 1);
  EXPECT_TRUE(Answers());
}

}  // namespace
}  // namespace taud::e2e
