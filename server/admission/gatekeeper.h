#ifndef TAUD_SERVER_ADMISSION_GATEKEEPER_H_
#define TAUD_SERVER_ADMISSION_GATEKEEPER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth/credentials.h"
#include "auth/jwt.h"
#include "grpcpp/server_context.h"
#include "server/admission/credential_limits.h"
#include "server/rpc/revoked_certificates.h"

namespace taud::server {

// What a call says of who makes it.
struct Presented {
  std::string authorization;  // the header's value; empty: none
  bool twice = false;         // there is more than one such header
  std::string subject;  // of a client certificate that was verified; RFC 2253
  // That one's and of those between it and a CA, as RevokedCertificates::Has
  // has them; empty where no list is read.
  std::string certificates;
  std::string address;  // of the client
};

enum class CredentialKind { kNone, kToken, kJwt, kCertificate };

// Somebody who may make a call.
struct Caller {
  std::string name;  // empty while nobody is asked for a credential
  CredentialKind kind = CredentialKind::kNone;
  auth::RoleSet roles;
  // Whose limits what the caller does counts against, if they have any.
  std::vector<Limited> limited;
  double max_weight = 0;  // of an interaction; 0: no limit
};

// Who may do what. Before any credential is set everybody may do everything,
// as the configuration says so. Thread-safe.
class Gatekeeper {
 public:
  Gatekeeper();

  // From now on these count, beside JWTs that SetJwt's verifier finds good, and
  // no others.
  void SetCredentials(std::shared_ptr<const auth::CredentialTable> table);
  void SetJwt(std::shared_ptr<const auth::JwtVerifier> verifier);
  // Clients' certificates that are no credentials from now on, on calls and
  // streams that are open, too; null: no list is read.
  void SetRevoked(std::shared_ptr<const RevokedCertificates> revoked);
  // Of what a credential does not limit itself, of JWTs by their subjects.
  void SetLimits(const auth::Limits& limits);

  // Whether credentials are asked for.
  bool closed() const;

  // UNAUTHENTICATED without a credential that is valid `now`, by the wall
  // clock; PERMISSION_DENIED, naming the role, if it has not got that. Neither
  // says more than the caller's own credential does.
  absl::StatusOr<Caller> Admit(const Presented& presented, auth::Role role,
                               absl::Time now) const;

  // Takes what the limits of the caller, and of the role that it calls with,
  // allow, or RESOURCE_EXHAUSTED; see CredentialLimits.
  absl::Status Charge(const Caller& caller, const Cost& cost,
                      absl::Time steady_now) const {
    return limits_.Charge(caller.limited, cost, steady_now);
  }
  absl::StatusOr<StreamPlace> OpenStream(const Caller& caller,
                                         absl::Time steady_now) const {
    return limits_.OpenStream(caller.limited, steady_now);
  }

  // What a call of gRPC presents. Calls that the daemon makes to itself for
  // others carry what those have presented.
  Presented PresentedBy(const grpc::ServerContextBase& context) const;

  // Metadata with which a call that the daemon makes to itself says for whom:
  // the keys, and a secret of this process, without which they count for
  // nothing.
  static constexpr char kSecretKey[] = "x-taud-inner-secret";
  static constexpr char kSubjectKey[] = "x-taud-inner-subject-bin";
  static constexpr char kCertificatesKey[] = "x-taud-inner-certificates-bin";
  static constexpr char kAddressKey[] = "x-taud-inner-address-bin";
  const std::string& secret() const { return secret_; }

 private:
  struct Known {
    std::shared_ptr<const auth::CredentialTable> table;
    std::shared_ptr<const auth::JwtVerifier> jwt;
    std::shared_ptr<const RevokedCertificates> revoked;
    auth::Limits limits;
  };
  Known GetKnown() const;
  bool looks_up_revoked() const;
  struct Recognised;
  static absl::StatusOr<Recognised> Recognise(const Known& known,
                                              const Presented& presented,
                                              absl::Time now);

  const std::string secret_;
  mutable absl::Mutex mutex_;
  Known known_ ABSL_GUARDED_BY(mutex_);
  mutable CredentialLimits limits_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_GATEKEEPER_H_
