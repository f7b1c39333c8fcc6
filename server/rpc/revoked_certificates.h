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

// Lists of certificates that those who signed them have taken back (CRLs, RFC
// 5280). Constant after Read, any thread.
class RevokedCertificates {
 public:
  // The lists of `pem`, each of which one of `cas` must have signed. `source`
  // is what errors name: INVALID_ARGUMENT if there is no list, or one that is
  // nobody's of `cas`; FAILED_PRECONDITION if one is not valid `now`.
  static absl::StatusOr<std::shared_ptr<const RevokedCertificates>> Read(
      const std::string& pem, const std::vector<X509Pointer>& cas,
      absl::string_view source, absl::Time now);

  bool Has(X509* certificate) const;
  // Of a certificate in PEM; true also for what is none.
  bool HasPem(absl::string_view pem) const;

 private:
  std::vector<CrlPointer> lists_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_
