#include "server/rpc/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using grpc::experimental::ExternalConnectionAcceptor;

// What happened, in order; waited for.
template <typename T>
class Events {
 public:
  void Put(T value) {
    absl::MutexLock lock(&mutex_);
    values_.push_back(value);
  }
  T Next() {
    absl::MutexLock lock(&mutex_);
    const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !values_.empty();
    };
    mutex_.Await(absl::Condition(&any));
    const T value = values_.front();
    values_.pop_front();
    return value;
  }

 private:
  absl::Mutex mutex_;
  std::deque<T> values_ ABSL_GUARDED_BY(mutex_);
};

class FakeGrpc : public ExternalConnectionAcceptor {
 public:
  explicit FakeGrpc(Events<int>* given) : given_(given) {}
  void HandleNewConnection(NewConnectionParameters* p) override {
    given_->Put(p->fd);
  }

 private:
  Events<int>* const given_;
};

class AcceptorTest : public testing::Test {
 protected:
  void Start(size_t max_connections, size_t descriptors, size_t reserve,
             size_t max_per_host = 0, size_t max_new_per_host = 0) {
    Acceptor::Options options;
    options.max_per_host = max_per_host;
    options.max_new_per_host = max_new_per_host;
    options.now = [this] { return absl::FromUnixSeconds(seconds_.load()); };
    options.max_connections = max_connections;
    options.descriptors = descriptors;
    options.reserve = reserve;
    options.refused = [this](Refusal why) { refused_.Put(why); };
    auto acceptor = Acceptor::Listen("127.0.0.1:0", options);
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
    acceptor_->Start(std::make_unique<FakeGrpc>(&given_));
  }
  void TearDown() override {
    acceptor_.reset();
    for (const int fd : clients_) close(fd);
  }

  int MakeClient() {
    clients_.push_back(socket(AF_INET, SOCK_STREAM, 0));
    return clients_.back();
  }
  void Connect(int fd) const {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(acceptor_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  static bool IsClosed(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, 0) <= 0;
  }

  std::atomic<int> seconds_{1000};
  Events<Refusal> refused_;
  Events<int> given_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<int> clients_;
};

TEST_F(AcceptorTest, ClosesWhatIsOneTooMany) {
  Start(2, 1 << 20, 0);
  Connect(MakeClient());
  Connect(MakeClient());
  const int first = given_.Next();
  const int second = given_.Next();
  const int third = MakeClient();
  Connect(third);
  EXPECT_EQ(refused_.Next(), Refusal::kConnections);
  EXPECT_TRUE(IsClosed(third));
  // gRPC closes one: there is room again, also if its number is a file's now.
  close(first);
  const int file = open("/dev/null", O_RDONLY);
  Connect(MakeClient());
  const int fourth = given_.Next();
  for (const int fd : {second, fourth, file}) close(fd);
}

TEST_F(AcceptorTest, AHostHasItsShare) {
  Start(100, 1 << 20, 0, /*max_per_host=*/2);
  const auto from = [this](const char* address) {
    const int fd = MakeClient();
    sockaddr_in own = {};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, address, &own.sin_addr);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    Connect(fd);
    return fd;
  };
  from("127.0.0.1");
  from("127.0.0.1");
  const int first = given_.Next();
  std::vector<int> taken = {given_.Next()};
  EXPECT_TRUE(IsClosed(from("127.0.0.1")));
  EXPECT_EQ(refused_.Next(), Refusal::kHostConnections);
  from("127.0.0.2");
  taken.push_back(given_.Next());
  close(first);
  from("127.0.0.1");
  taken.push_back(given_.Next());
  for (const int fd : taken) close(fd);
}

TEST_F(AcceptorTest, AHostOpensSoManyASecond) {
  Start(100, 1 << 20, 0, /*max_per_host=*/0, /*max_new_per_host=*/2);
  // Also if they are closed again at once.
  for (int c = 0; c < 2; ++c) {
    Connect(MakeClient());
    close(given_.Next());
  }
  const int third = MakeClient();
  Connect(third);
  EXPECT_EQ(refused_.Next(), Refusal::kHostRate);
  EXPECT_TRUE(IsClosed(third));
  ++seconds_;
  Connect(MakeClient());
  close(given_.Next());
}

TEST(HostOfTest, IsOneHost) {
  const auto six = [](const char* text) {
    sockaddr_storage address = {};
    auto& own = reinterpret_cast<sockaddr_in6&>(address);
    own.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, text, &own.sin6_addr), 1) << text;
    return HostOf(address);
  };
  EXPECT_EQ(six("2001:db8::1"), six("2001:db8::ffff:1"));
  EXPECT_NE(six("2001:db8::1"), six("2001:db8:0:1::1"));
  // Of IPv4, on a socket of both kinds, each is its own.
  EXPECT_NE(six("::ffff:10.0.0.1"), six("::ffff:10.0.0.2"));
  sockaddr_storage four = {};
  four.ss_family = AF_INET;
  inet_pton(AF_INET, "10.0.0.1",
            &reinterpret_cast<sockaddr_in&>(four).sin_addr);
  EXPECT_EQ(HostOf(four), six("::ffff:10.0.0.1"));
  four.ss_family = AF_UNIX;
  EXPECT_EQ(HostOf(four), "");
}

TEST_F(AcceptorTest, LeavesDescriptorsToOthers) {
  Start(100, 3, 2);  // whatever number it gets is too high
  const int client = MakeClient();
  Connect(client);
  EXPECT_EQ(refused_.Next(), Refusal::kDescriptors);
  EXPECT_TRUE(IsClosed(client));
}

TEST_F(AcceptorTest, GoesOnAfterDescriptorsHaveRunOut) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Start(1 << 20, 1 << 20, 0);
  const int client = MakeClient();
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> files;
  int file = 0;
  while ((file = open("/dev/null", O_RDONLY)) >= 0) files.push_back(file);
  Connect(client);
  EXPECT_EQ(refused_.Next(), Refusal::kDescriptors);
  for (const int fd : files) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  close(given_.Next());  // the same connection, which had waited
}

TEST_F(AcceptorTest, APortIsOneDaemons) {
  Start(1, 1 << 20, 0);
  const auto again = Acceptor::Listen(
      absl::StrCat("127.0.0.1:", acceptor_->port()), Acceptor::Options());
  EXPECT_EQ(again.status().code(), absl::StatusCode::kUnavailable);
  for (const char* address : {"256.0.0.1:1", "no.such.host.invalid:1"}) {
    EXPECT_FALSE(Acceptor::Listen(address, Acceptor::Options()).ok())
        << address;
  }
}

TEST(AcceptorSocketTest, ReplacesASocketThatNobodyListensOn) {
  const std::string path =
      absl::StrCat(testing::TempDir(), "/taud_socket_", getpid());
  const std::string address = "unix:" + path;
  {
    auto first = Acceptor::Listen(address, Acceptor::Options());
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ((*first)->port(), 1);
    EXPECT_FALSE(Acceptor::Listen(address, Acceptor::Options()).ok());
    // As if killed: the file stays, and another is made of it.
    ASSERT_EQ(rename(path.c_str(), (path + ".kept").c_str()), 0);
  }
  ASSERT_EQ(rename((path + ".kept").c_str(), path.c_str()), 0);
  EXPECT_TRUE(Acceptor::Listen(address, Acceptor::Options()).ok());
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(DescriptorLimitTest, IsRaisedToTheHardOne) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseDescriptorLimit(), before.rlim_max);
  rlimit after = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace taud::server
