#ifndef TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_
#define TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/rpc/openssl_pointers.h"

namespace taud::server {

// What names a certificate among all: its issuer and the number that this gave
// it (IssuerAndSerialNumber in DER, RFC 5652). Empty without memory.
std::string IssuerAndSerial(X509* certificate);
// Empty for what is no certificate in PEM.
std::string IssuerAndSerial(absl::string_view pem);

// Lists of certificates that those who signed them have taken back (CRLs, RFC
// 5280). Constant after Read, any thread.
class RevokedCertificates {
 public:
  // The lists of `pem`, each of which one of `cas` must have signed. `source`
  // is what errors name: INVALID_ARGUMENT if there is no list, or one that is
  // nobody's of `cas`; FAILED_PRECONDITION if one is not valid `now`, or in
  // five minutes.
  static absl::StatusOr<std::shared_ptr<const RevokedCertificates>> Read(
      const std::string& pem, const std::vector<X509Pointer>& cas,
      absl::string_view source, absl::Time now);

  // Of what IssuerAndSerial says; true also for what it would never say.
  bool Has(absl::string_view issuer_and_serial) const;

 private:
  std::vector<CrlPointer> lists_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_
