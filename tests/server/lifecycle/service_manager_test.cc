#include "server/lifecycle/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

// Listens where a service manager would. The name is an abstract one: no file.
class FakeServiceManager {
 public:
  FakeServiceManager() : name_(absl::StrCat("taud-test-", getpid())) {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data(), name_.size());
    const size_t size = offsetof(sockaddr_un, sun_path) + 1 + name_.size();
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(size)),
              0);
    setenv("NOTIFY_SOCKET", absl::StrCat("@", name_).c_str(), 1);
  }
  ~FakeServiceManager() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(socket_);
  }

  std::string Heard() const {
    char buffer[256];
    const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  int socket_;
};

TEST(ServiceManagerTest, NobodyListens) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(NotifyServiceManager("READY=1"));
  EXPECT_EQ(ServiceManagerInterval(), absl::InfiniteDuration());
}

TEST(ServiceManagerTest, IsHeard) {
  FakeServiceManager manager;
  EXPECT_TRUE(NotifyServiceManager("READY=1\nSTATUS=serving"));
  EXPECT_EQ(manager.Heard(), "READY=1\nSTATUS=serving");
  EXPECT_EQ(manager.Heard(), "");
}

TEST(ServiceManagerTest, HalfTheWatchdogsTimeAndAtLeastEveryTenSeconds) {
  FakeServiceManager manager;
  const struct {
    const char* watchdog_us;
    absl::Duration interval;
  } cases[] = {{"4000000", absl::Seconds(2)},
               {"20000000", absl::Seconds(10)},
               {"120000000", absl::Seconds(10)},
               {"not a number", absl::Seconds(10)}};
  EXPECT_EQ(ServiceManagerInterval(), absl::Seconds(10));
  for (const auto& c : cases) {
    setenv("WATCHDOG_USEC", c.watchdog_us, 1);
    EXPECT_EQ(ServiceManagerInterval(), c.interval) << c.watchdog_us;
  }
}

TEST(ServiceManagerTest, TheWatchdogOfAnotherProcessIsNotOurs) {
  FakeServiceManager manager;
  setenv("WATCHDOG_USEC", "4000000", 1);
  setenv("WATCHDOG_PID", absl::StrCat(getpid() + 1).c_str(), 1);
  EXPECT_EQ(ServiceManagerInterval(), absl::Seconds(10));
}

}  // namespace
}  // namespace taud::server
