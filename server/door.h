#ifndef TAUD_SERVER_DOOR_H_
#define TAUD_SERVER_DOOR_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/admission/gatekeeper.h"
#include "server/audit/audit_log.h"
#include "server/lifecycle/file_watch.h"
#include "server/observe/metrics.h"
#include "server/rpc/tls_files.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// Who is let in and told of, of the configuration: reads what it names, and
// again when that changes. Thread-safe after Open; the watch has a thread,
// which the destructor joins.
class Door {
 public:
  // Errors name the configuration's key. `metrics` outlives the door.
  static absl::StatusOr<std::unique_ptr<Door>> Open(
      const config::v1::Config& config, Metrics* metrics);

  // Null: nobody is asked for a credential, or told of.
  const Gatekeeper* gate() const {
    return gate_.closed() || audit_ != nullptr ? &gate_ : nullptr;
  }
  // Null: nobody is told of.
  AuditLog* audit() const { return audit_.get(); }
  const FileWatch* files() const { return watch_.get(); }
  // Null: in the clear.
  const TlsFiles* tls() const { return tls_.get(); }
  // For the connections of server.grpc_address. The door outlives the server.
  std::shared_ptr<grpc::ServerCredentials> grpc_credentials() const {
    return grpc_credentials_;
  }

 private:
  explicit Door(const config::v1::Config& config) : config_(config) {}
  absl::Status ReadTokens();
  absl::Status ReadJwks();
  absl::Status ReadTls();
  absl::Status ReadIdKey();
  absl::Status OpenAudit();
  void MakeGrpcCredentials();

  const config::v1::Config config_;
  Metrics* metrics_ = nullptr;
  Gatekeeper gate_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<TlsFiles> tls_;
  std::shared_ptr<grpc::ServerCredentials> grpc_credentials_;
  std::unique_ptr<FileWatch> watch_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_DOOR_H_
