#ifndef TAUD_SERVER_RPC_ACCEPTOR_H_
#define TAUD_SERVER_RPC_ACCEPTOR_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server_builder.h"
#include "model/steady_clock.h"
#include "server/rpc/host_rates.h"
#include "server/rpc/refusal.h"

namespace taud::server {

// Raises the soft limit of descriptors to the hard one. Returns the limit that
// holds.
size_t RaiseDescriptorLimit();

// Who is at this address, for counting: an IPv4 address, or what is given to
// one host of IPv6, 64 bits. Empty: another kind. As bytes.
std::string HostOf(const sockaddr_storage& address);

// Takes the connections of the gRPC port and hands them to gRPC. gRPC's own
// listener stops for good when the descriptors have run out once; this one
// waits and goes on, keeps some descriptors for the rest of the process, and
// counts connections.
//
// Life: Listen, Start once gRPC's server runs, Stop before it is shut down. One
// thread's; accepts on a thread of its own, which Stop joins.
class Acceptor {
 public:
  struct Options {
    size_t max_connections = 0;
    size_t max_per_host = 0;      // of them, from one address; 0: any number
    size_t max_new_per_host = 0;  // that one opens a second; 0: any number
    // Descriptors of the process; so many of them are left to others.
    size_t descriptors = 0;
    size_t reserve = 0;
    // Both called on the accepting thread.
    std::function<void(Refusal)> refused;
    std::function<absl::Time()> now = model::SteadyNow;
  };

  // Binds `address`: "host:port" (port 0: any; all addresses of a name) or
  // "unix:PATH". UNAVAILABLE if it cannot.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address, Options options);
  ~Acceptor();

  // The port; of a Unix socket 1, as gRPC has it.
  int port() const { return port_; }

  void Start(
      std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> grpc);
  void Stop();  // idempotent

 private:
  // A connection that gRPC was given and may have closed meanwhile: its number
  // is another file's then, or none's.
  struct Connection {
    int fd;
    ino_t inode;
    std::string host;  // empty: a Unix socket's
  };

  explicit Acceptor(Options options)
      : options_(std::move(options)), rates_(options_.max_new_per_host) {}
  absl::Status BindUnix(const std::string& path);
  absl::Status BindTcp(const std::string& address);
  void Run();
  // False if there was no descriptor for it.
  bool AcceptOne(int listener);
  // Whether `host` may open one more connection; counts why not.
  bool Admits(const std::string& host);
  bool HasRoom(const std::string& host);
  size_t CountOf(const std::string& host) const;
  // Those that gRPC has closed.
  void ForgetClosed();

  const Options options_;
  int port_ = 0;
  std::string unix_path_;  // to remove at the end; empty: none
  std::vector<int> listeners_;
  int wake_ = -1;  // an event that ends Run
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> grpc_;
  std::thread thread_;
  HostRates rates_;                      // thread_'s
  std::vector<Connection> connections_;  // thread_'s
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_ACCEPTOR_H_
