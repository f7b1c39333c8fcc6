#include "server/api/http_connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

// The answer to every request is `answer_`.
class HttpConnectionsTest : public testing::Test {
 protected:
  void Start(const HttpConnections::Options& options) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address_), size), 0);
    ASSERT_EQ(listen(listener, 16), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address_), &size);
    connections_ = std::make_unique<HttpConnections>(
        options,
        [this](const HttpPeer&, const std::string& request, HttpReply reply) {
          request_ = request;
          requests_.push_back(request);
          if (throws_) throw std::bad_alloc();
          reply(HttpText{answer_, held_, keeps_open_});
        },
        [this](Refusal why) {
          if (refused_.HasBeenNotified()) return;
          why_ = why;
          refused_.Notify();
        });
    connections_->Start(listener);
  }
  // Why something was refused, once it was.
  Refusal Why() {
    refused_.WaitForNotification();
    return why_;
  }
  void TearDown() override {
    if (connections_ != nullptr) connections_->Stop();
    close(fd_);
  }
  void ConnectAndSay(const std::string& text, const char* from = "127.0.0.1") {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own = {};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, from, &own.sin_addr);
    ASSERT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    ASSERT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address_), sizeof(address_)),
        0);
    ASSERT_EQ(send(fd_, text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  std::string ReadText() const {
    std::string text;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = recv(fd_, buffer, sizeof(buffer), 0)) > 0) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }
  std::string ReadBytes(size_t size) const {
    std::string text(size, ' ');
    const ssize_t n = recv(fd_, text.data(), size, MSG_WAITALL);
    text.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
    return text;
  }
  size_t ReadAll() const { return ReadText().size(); }

  std::string answer_ = "answer";
  std::shared_ptr<const void> held_;
  bool keeps_open_ = false;
  bool throws_ = false;
  std::string request_;  // the last one; read when its answer has come
  std::vector<std::string> requests_;  // all, if they come one after the other
  absl::Notification refused_;
  Refusal why_ = Refusal::kQueue;
  sockaddr_in address_ = {};
  int fd_ = -1;
  std::unique_ptr<HttpConnections> connections_;
};

TEST_F(HttpConnectionsTest, AnswersAWholeHead) {
  Start({});
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadAll(), answer_.size());
}

TEST_F(HttpConnectionsTest, AHeadThatDoesNotComeIsNotWaitedFor) {
  HttpConnections::Options options;
  options.read_time = absl::Milliseconds(50);
  Start(options);
  ConnectAndSay("GET / HTTP/1.1\r\n");
  EXPECT_EQ(ReadAll(), 0u);  // ends, for the server closes
  EXPECT_EQ(Why(), Refusal::kHttpTime);
}

TEST_F(HttpConnectionsTest, AnAnswerThatNobodyReadsIsNotKept) {
  answer_.assign(64 << 20, 'x');
  HttpConnections::Options options;
  options.write_time = absl::Milliseconds(50);
  Start(options);
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(Why(), Refusal::kHttpTime);
  EXPECT_LT(ReadAll(), answer_.size());
}

TEST_F(HttpConnectionsTest, TheOldestMakesRoom) {
  HttpConnections::Options options;
  options.max_connections = 1;
  options.read_time = absl::Hours(1);
  Start(options);
  ConnectAndSay("GET");
  const int oldest = fd_;
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadAll(), answer_.size());
  EXPECT_EQ(Why(), Refusal::kHttpConnections);
  close(oldest);
}

TEST_F(HttpConnectionsTest, AHostWithManyTakesNobodyElses) {
  HttpConnections::Options options;
  options.max_connections = 3;
  options.read_time = absl::Hours(1);
  Start(options);
  ConnectAndSay("GET / HTTP/1.1\r\n");  // the oldest, and not done
  const int bystander = fd_;
  std::vector<int> many;
  for (int i = 0; i < 20; ++i) {
    ConnectAndSay("GET", "127.0.0.2");
    many.push_back(fd_);
  }
  fd_ = bystander;
  ASSERT_EQ(send(fd_, "\r\n", 2, 0), 2);
  EXPECT_EQ(ReadAll(), answer_.size());
  for (const int fd : many) close(fd);
}

TEST_F(HttpConnectionsTest, ABodyIsReadToItsLength) {
  Start({});
  ConnectAndSay("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  const std::string rest = "cdefg";
  ASSERT_EQ(send(fd_, rest.data(), rest.size(), 0), 5);
  EXPECT_EQ(ReadText(), answer_);
  EXPECT_EQ(request_, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde");
}

TEST_F(HttpConnectionsTest, BodiesAreBoundedAndOfKnownLength) {
  struct Case {
    std::string header;
    std::string answer;
  };
  HttpConnections::Options options;
  options.max_body_bytes = 10;
  Start(options);
  for (const Case& c : std::vector<Case>{
           {"Content-Length: 11", "HTTP/1.1 413"},
           {"Content-Length: 18446744073709551616", "HTTP/1.1 400"},
           {"Content-Length: -1", "HTTP/1.1 400"},
           {"content-length: 1\r\nContent-Length: 2", "HTTP/1.1 400"},
           {"Transfer-Encoding: gzip, chunked", "HTTP/1.1 501"},
           {"Transfer-Encoding: chunked\r\nContent-Length: 1", "HTTP/1.1 400"},
           {"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n6",
            "HTTP/1.1 413"},
           {"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg", "HTTP/1.1 400"},
           {"Transfer-Encoding: chunked\r\n\r\nx", "HTTP/1.1 400"}}) {
    ConnectAndSay("POST / HTTP/1.1\r\n" + c.header + "\r\n\r\n");
    EXPECT_EQ(ReadText().substr(0, c.answer.size()), c.answer) << c.header;
    close(fd_);
    fd_ = -1;
  }
  EXPECT_EQ(Why(), Refusal::kHttpBody);
  EXPECT_EQ(request_, "");
}

TEST_F(HttpConnectionsTest, ABodyInChunksIsHandedOnWithoutThem) {
  keeps_open_ = true;
  Start({});
  const std::string head =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  // The next request comes with the end of the first.
  ConnectAndSay(head + "3\r\nab");
  const std::string rest = "c\r\n2\r\nde\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
  ASSERT_EQ(send(fd_, rest.data(), 14, 0), 14);
  ASSERT_EQ(send(fd_, rest.data() + 14, rest.size() - 14, 0),
            static_cast<ssize_t>(rest.size() - 14));
  EXPECT_EQ(ReadBytes(2 * answer_.size()), answer_ + answer_);
  EXPECT_EQ(requests_, (std::vector<std::string>{head + "abcde",
                                                 "GET /b HTTP/1.1\r\n\r\n"}));
}

TEST_F(HttpConnectionsTest, BodiesInChunksHaveTheSameRoomTogether) {
  HttpConnections::Options options;
  options.max_body_bytes = size_t{1} << 20;
  options.max_large_bytes = size_t{100} << 10;
  Start(options);
  const std::string head =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string large = "10001\r\n" + std::string(0x10001, 'x');
  ConnectAndSay("POST / HTTP/1.1\r\nContent-Length: 81920\r\n\r\n");
  const int first = fd_;
  ConnectAndSay(head + large);
  EXPECT_EQ(ReadText().substr(0, 12), "HTTP/1.1 503");
  EXPECT_EQ(Why(), Refusal::kHttpBody);
  close(fd_);
  // What the first holds is free when it has been answered.
  fd_ = first;
  const std::string body(81920, 'y');
  ASSERT_EQ(send(fd_, body.data(), body.size(), 0), 81920);
  EXPECT_EQ(ReadText(), answer_);
  close(fd_);
  ConnectAndSay(head + large + "\r\n0\r\n\r\n");
  EXPECT_EQ(ReadText(), answer_);
}

TEST_F(HttpConnectionsTest, ABodyInChunksHasTheTimeOfAnother) {
  HttpConnections::Options options;
  options.read_time = absl::Milliseconds(20);
  Start(options);
  ConnectAndSay(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  EXPECT_EQ(ReadText(), "");
  EXPECT_EQ(Why(), Refusal::kHttpTime);
}

TEST_F(HttpConnectionsTest, WhatIsHeldIsLetGoWhenTheAnswerIsGone) {
  absl::Notification let_go;
  held_ = std::shared_ptr<const void>(
      &answer_, [&let_go](const void*) { let_go.Notify(); });
  Start({});
  // The test's own reference goes with the request.
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadText(), answer_);
  held_ = nullptr;
  let_go.WaitForNotification();
}

TEST_F(HttpConnectionsTest, AKeptConnectionAnswersOneRequestAfterTheOther) {
  keeps_open_ = true;
  Start({});
  // The second comes with the first, the third when both are answered.
  ConnectAndSay(
      "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
      "GET /b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadBytes(2 * answer_.size()), answer_ + answer_);
  EXPECT_EQ(request_, "GET /b HTTP/1.1\r\n\r\n");
  const std::string third = "GET /c HTTP/1.1\r\n\r\n";
  ASSERT_EQ(send(fd_, third.data(), third.size(), 0),
            static_cast<ssize_t>(third.size()));
  EXPECT_EQ(ReadBytes(answer_.size()), answer_);
  EXPECT_EQ(request_, third);
}

TEST_F(HttpConnectionsTest, AKeptConnectionThatIdlesIsClosedAndNotCounted) {
  keeps_open_ = true;
  HttpConnections::Options options;
  options.idle_time = absl::Milliseconds(20);
  Start(options);
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadText(), answer_);  // ends, for the server closes
  EXPECT_FALSE(refused_.HasBeenNotified());
}

TEST_F(HttpConnectionsTest, LargeBodiesHaveALimitTogether) {
  HttpConnections::Options options;
  options.max_body_bytes = 1 << 20;
  options.max_large_bytes = 150000;
  Start(options);
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";
  ConnectAndSay(head);
  const int first = fd_;
  // The first is read before the second comes: it connected before.
  ConnectAndSay(head);
  EXPECT_EQ(ReadText().substr(0, 12), "HTTP/1.1 503");
  EXPECT_EQ(Why(), Refusal::kHttpBody);
  close(fd_);
  // A small one always fits.
  ConnectAndSay("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(ReadText(), answer_);
  close(fd_);
  // The first is answered, and makes room.
  fd_ = first;
  const std::string body(100000, 'x');
  ASSERT_EQ(send(fd_, body.data(), body.size(), 0), 100000);
  EXPECT_EQ(ReadText(), answer_);
  close(fd_);
  ConnectAndSay(head + body);
  EXPECT_EQ(ReadText(), answer_);
}

TEST_F(HttpConnectionsTest, WhatThrowsIsAnAnswer) {
  throws_ = true;
  Start({});
  ConnectAndSay("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(ReadText().substr(0, 12), "HTTP/1.1 500");
}

}  // namespace
}  // namespace taud::server
