#ifndef TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_
#define TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "openssl/pkcs7.h"
#include "server/rpc/openssl_pointers.h"

namespace taud::server {

// What names a certificate among all: its issuer and the number that this gave
// it (IssuerAndSerialNumber in DER, RFC 5652). Empty without memory.
std::string IssuerAndSerial(X509* certificate);
// Of all certificates of `pem`, one after the other. Empty if there is none.
std::string IssuersAndSerials(absl::string_view pem);

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

  // Whether one of these is on a list, or names as its issuer one of `cas` that
  // is (by name: a CA of the same name with another key counts as that one).
  // `issuers_and_serials` are of a client's certificate and of those between
  // it and `cas`, one after the other as above. True also for what is none,
  // for more than kMaxChain, and if none of them was signed by one of `cas`:
  // then it is not known who stands between, as in a TLS session that was
  // resumed, which keeps the client's own certificate alone.
  bool Has(absl::string_view issuers_and_serials) const;
  static constexpr int kMaxChain = 16;

 private:
  void FindRevokedCas();
  bool IsRevoked(const PKCS7_ISSUER_AND_SERIAL& name) const;

  std::vector<CrlPointer> lists_;
  std::vector<X509Pointer> cas_;
  std::vector<X509Pointer> revoked_cas_;  // of these, those on a list
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_REVOKED_CERTIFICATES_H_
