#ifndef TAUD_SERVER_RPC_TLS_FILES_H_
#define TAUD_SERVER_RPC_TLS_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "openssl/ssl.h"
#include "server/rpc/revoked_certificates.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// What the server says of itself and whom it trusts, read at one time: the
// certificate and the key belong together. Constant, any thread.
struct TlsMaterial {
  std::string certificates;  // PEM: the server's, then those that vouch for it
  std::string key;           // PEM
  std::string client_cas;    // PEM; empty: clients are asked for nothing
  absl::Time expires;        // the server's certificate
  // Of clients; null: no list is read.
  std::shared_ptr<const RevokedCertificates> revoked;
  uint64_t generation = 0;           // counts what was read
  std::shared_ptr<SSL_CTX> context;  // the same for OpenSSL
};

// The files of the section tls. New connections are made with what was read
// last; those there are keep theirs. TLS 1.2 or newer, with forward secrecy
// and authenticated encryption alone. Thread-safe.
class TlsFiles {
 public:
  // Errors name the file: NOT_FOUND if it cannot be read, INVALID_ARGUMENT if
  // it is no PEM, or certificate and key do not belong together, or a list of
  // revoked certificates is nobody's; FAILED_PRECONDITION if the certificate or
  // a list has expired or is not valid yet, or everybody may write to a file.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Open(
      const config::v1::Tls& config);

  // Reads again; errors as Open's, and what was read before stays: of a list of
  // revoked certificates that list alone, of the rest everything.
  absl::Status Reload();

  std::shared_ptr<const TlsMaterial> Get() const;
  bool requires_client_certificate() const {
    return config_.require_client_certificate();
  }

 private:
  explicit TlsFiles(const config::v1::Tls& config) : config_(config) {}
  absl::StatusOr<TlsMaterial> Read() const;

  const config::v1::Tls config_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_ ABSL_GUARDED_BY(mutex_);
};

// For a gRPC server; each new connection is made with what `files` has then.
// `files` and what is returned outlive the server. (gRPC's own provider of
// certificates from files refuses all connections while the files are no good.)
std::shared_ptr<grpc::ServerCredentials> TlsServerCredentials(
    const TlsFiles* files);

// Of the peer's certificate, which was verified; both empty: there is none.
struct PeerCertificate {
  std::string subject;  // the whole, as RFC 2253 writes it and gRPC does
  // That one's and of those that vouch for it, up to a CA that is trusted; see
  // RevokedCertificates::Has.
  std::string issuers_and_serials;
};
PeerCertificate PeerCertificateOf(const SSL* ssl);

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_TLS_FILES_H_
