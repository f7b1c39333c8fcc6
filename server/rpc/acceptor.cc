#include "server/rpc/acceptor.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace taud::server {
namespace {

constexpr int kBacklog = 1024;
// What descriptors have run out is tried again after.
constexpr int kPauseMs = 50;

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

void SetPort(int port, sockaddr* address) {
  const auto wire = htons(static_cast<uint16_t>(port));
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = wire;
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = wire;
  }
}

int PortOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

// A listening socket, or -1 with errno. Not SO_REUSEPORT: two daemons must not
// share a port unnoticed.
int ListenOn(const sockaddr* address, socklen_t size) {
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int yes = 1;
  const int no = 0;
  if (address->sa_family != AF_UNIX) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    // Connections inherit it.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }
  if (address->sa_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  }
  if (bind(fd, address, size) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// Whether somebody listens there.
bool Answers(const sockaddr* address, socklen_t size) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool answers = connect(fd, address, size) == 0;
  close(fd);
  return answers;
}

bool IsSocket(const std::string& path) {
  struct stat info = {};
  return lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace

size_t RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  return static_cast<size_t>(limit.rlim_cur);
}

std::string HostOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    return std::string(reinterpret_cast<const char*>(&four.sin_addr),
                       sizeof(four.sin_addr));
  }
  if (address.ss_family != AF_INET6) return "";
  const in6_addr& six =
      reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  const auto* bytes = reinterpret_cast<const char*>(&six);
  // One of IPv4, as a socket of both kinds says it.
  if (IN6_IS_ADDR_V4MAPPED(&six)) return std::string(bytes + 12, 4);
  return std::string(bytes, 8);
}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Listen(
    const std::string& address, Options options) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(std::move(options)));
  absl::string_view rest = address;
  absl::Status status = absl::ConsumePrefix(&rest, "unix:")
                            ? acceptor->BindUnix(std::string(rest))
                            : acceptor->BindTcp(address);
  if (!status.ok()) return status;
  acceptor->wake_ = eventfd(0, EFD_CLOEXEC);
  if (acceptor->wake_ < 0) return SystemError("cannot make an event");
  return acceptor;
}

Acceptor::~Acceptor() {
  Stop();
  if (wake_ >= 0) close(wake_);
}

absl::Status Acceptor::BindUnix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a socket's path has 1 to ", sizeof(address.sun_path) - 1,
                     " bytes, not ", path.size()));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  // One that a daemon left behind that was killed.
  if (IsSocket(path) && !Answers(any, sizeof(address))) unlink(path.c_str());
  const int fd = ListenOn(any, sizeof(address));
  if (fd < 0) return SystemError(path);
  listeners_.push_back(fd);
  unix_path_ = path;
  port_ = 1;
  return absl::OkStatus();
}

absl::Status Acceptor::BindTcp(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(address, " has no port"));
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(std::string(host).c_str(),
                                address.c_str() + colon + 1, &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  absl::Status status = absl::UnavailableError("no such address");
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (port_ != 0) SetPort(port_, one->ai_addr);
    const int fd = ListenOn(one->ai_addr, one->ai_addrlen);
    if (fd >= 0) {
      listeners_.push_back(fd);
      port_ = PortOf(fd);
      continue;
    }
    status = SystemError(address);
    // A name may have an address of a kind that the machine has not got; one
    // that is another program's is an error.
    if (errno != EADDRINUSE) continue;
    freeaddrinfo(found);
    return status;
  }
  freeaddrinfo(found);
  return listeners_.empty() ? status : absl::OkStatus();
}

void Acceptor::Start(
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> grpc) {
  grpc_ = std::move(grpc);
  thread_ = std::thread([this] { Run(); });
}

void Acceptor::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    (void)!write(wake_, &one, sizeof(one));
    thread_.join();
  }
  for (const int fd : listeners_) close(fd);
  listeners_.clear();
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
  unix_path_.clear();
}

void Acceptor::Run() {
  std::vector<pollfd> waiting = {{wake_, POLLIN, 0}};
  for (const int fd : listeners_) waiting.push_back({fd, POLLIN, 0});
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;  // a signal
    if (waiting[0].revents != 0) return;
    bool short_of_descriptors = false;
    for (size_t i = 1; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      short_of_descriptors |= !AcceptOne(waiting[i].fd);
    }
    // It would be told of the same connection at once.
    if (short_of_descriptors) poll(waiting.data(), 1, kPauseMs);
  }
}

bool Acceptor::AcceptOne(int listener) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  const int fd = accept4(listener, reinterpret_cast<sockaddr*>(&address), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const bool none = errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                      errno == ENOMEM;
    if (none) options_.refused(Refusal::kDescriptors);
    return !none;
  }
  struct stat info = {};
  // The system gives the lowest free number: a high one says that few are
  // left.
  const bool scarce =
      static_cast<size_t>(fd) + options_.reserve >= options_.descriptors;
  if (scarce || fstat(fd, &info) != 0) {
    options_.refused(Refusal::kDescriptors);
    close(fd);
    return true;
  }
  try {
    std::string host = HostOf(address);
    if (!Admits(host)) {
      close(fd);
      return true;
    }
    connections_.push_back({fd, info.st_ino, std::move(host)});
  } catch (...) {  // without memory; the thread goes on
    options_.refused(Refusal::kDescriptors);
    close(fd);
    return true;
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters given;
  given.listener_fd = listener;
  given.fd = fd;
  grpc_->HandleNewConnection(&given);
  return true;
}

bool Acceptor::Admits(const std::string& host) {
  // First: to look for room costs more.
  if (!rates_.Take(host, options_.now())) {
    options_.refused(Refusal::kHostRate);
    return false;
  }
  if (HasRoom(host)) return true;
  options_.refused(connections_.size() < options_.max_connections
                       ? Refusal::kHostConnections
                       : Refusal::kConnections);
  return false;
}

bool Acceptor::HasRoom(const std::string& host) {
  const auto fits = [&] {
    return connections_.size() < options_.max_connections &&
           (options_.max_per_host == 0 ||
            CountOf(host) < options_.max_per_host);
  };
  if (fits()) return true;
  ForgetClosed();
  return fits();
}

size_t Acceptor::CountOf(const std::string& host) const {
  if (host.empty()) return 0;
  return static_cast<size_t>(std::count_if(
      connections_.begin(), connections_.end(),
      [&host](const Connection& one) { return one.host == host; }));
}

void Acceptor::ForgetClosed() {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const Connection& one) {
                                      struct stat info = {};
                                      return fstat(one.fd, &info) != 0 ||
                                             !S_ISSOCK(info.st_mode) ||
                                             info.st_ino != one.inode;
                                    }),
                     connections_.end());
}

}  // namespace taud::server
