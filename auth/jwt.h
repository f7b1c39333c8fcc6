#ifndef TAUD_AUTH_JWT_H_
#define TAUD_AUTH_JWT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth/role.h"

namespace taud::auth {

// What a JWT must say.
struct JwtRules {
  std::string issuer;                 // `iss`
  std::string audience;               // `aud`, or one of it
  std::string roles_claim = "roles";  // a list of roles, or blanks between
  absl::Duration leeway = absl::Seconds(30);  // how far clocks may differ
};

// Who a JWT is about.
struct JwtCaller {
  std::string subject;
  RoleSet roles;
  absl::Time expires;  // with the leeway
};

// Checks JSON Web Tokens (RFC 7519), signed with HS256, RS256, ES256 or EdDSA
// by a key of a JWK Set (RFC 7517). The key, never the token, says how it is to
// be checked: a token that names another algorithm than its key's is refused,
// and so are `none`, encrypted tokens, `crit`, and keys that the token brings
// along or points to.
//
// Thread-safe. Tokens that were good are remembered until they expire, 4,096 of
// them: to check a signature takes ten times as long as a call.
class JwtVerifier {
 public:
  // INVALID_ARGUMENT, naming the key, if `jwks` is no JWK Set of such keys.
  static absl::StatusOr<std::unique_ptr<JwtVerifier>> Create(
      absl::string_view jwks, JwtRules rules);
  ~JwtVerifier();

  // UNAUTHENTICATED if the token is not good `now`, by the wall clock.
  absl::StatusOr<JwtCaller> Verify(absl::string_view token,
                                   absl::Time now) const;

 private:
  struct Key;
  explicit JwtVerifier(JwtRules rules);
  absl::StatusOr<JwtCaller> Check(absl::string_view token,
                                  absl::Time now) const;
  absl::StatusOr<JwtCaller> CheckClaims(absl::string_view payload,
                                        absl::Time now) const;
  const Key* FindKey(const std::string& kid, bool has_kid,
                     const std::string& algorithm) const;

  const JwtRules rules_;
  std::vector<Key> keys_;  // constant after Create

  mutable absl::Mutex mutex_;
  // By the SHA-256 of the token.
  mutable absl::flat_hash_map<std::string, JwtCaller> good_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::auth

#endif  // TAUD_AUTH_JWT_H_
