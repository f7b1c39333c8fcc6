#ifndef TAUD_AUTH_CREDENTIALS_H_
#define TAUD_AUTH_CREDENTIALS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth/role.h"

namespace taud::auth {

// What one credential, or all who call with one role, may take in a second, and
// at a time, and how much what they write may weigh; 0: no limit.
struct Limits {
  double requests_per_second = 0;
  double interactions_per_second = 0;
  double bytes_per_second = 0;  // of requests
  int64_t streams = 0;          // open at a time
  double max_weight = 0;        // of an interaction

  // These, and of what they do not limit the limits of `others`.
  Limits Or(const Limits& others) const;

  // Whether there is anything to keep count of.
  bool any() const {
    return requests_per_second > 0 || interactions_per_second > 0 ||
           bytes_per_second > 0 || streams > 0;
  }
};

// A line of the tokens file: somebody who may call.
struct Credential {
  std::string name;     // for people: logs, errors; several may share one
  std::string id;       // of a token; empty: a client certificate
  std::string hash;     // of a token (token.h)
  std::string subject;  // of a client certificate, as RFC 2253 writes it
  RoleSet roles;
  absl::Time expires = absl::InfiniteFuture();
  Limits limits;

  // Which one it is, through changes of the file.
  std::string key() const { return id.empty() ? "cert:" + subject : id; }
};

// A whole file. NOT_FOUND if it cannot be read; FAILED_PRECONDITION if
// everybody may write to it, or if it is larger than 4 MiB.
absl::StatusOr<std::string> ReadCredentialFile(const std::string& path);

// The tokens file: one JSON object a line; empty lines, and those that begin
// with '#', count for nothing.
//
//   {"name": "shop", "id": "0123456789ab", "hash": "sha256:SALT:DIGEST",
//    "roles": ["recommend", "ingest"], "expires": "2027-01-31T00:00:00Z",
//    "limits": {"requests_per_second": 100}}
//   {"name": "billing", "subject": "CN=billing,O=Acme", "roles": ["erase"]}
//   {"role": "ingest", "limits": {"interactions_per_second": 20000}}
//
// The last is what the calls that need this role may take, whoever makes them,
// together.
//
// Constant after parsing, any thread.
class CredentialTable {
 public:
  // INVALID_ARGUMENT, one line a fault ("file:line: what is wrong").
  static absl::StatusOr<CredentialTable> Parse(absl::string_view text,
                                               absl::string_view file_name);
  // Parse of ReadCredentialFile.
  static absl::StatusOr<CredentialTable> Load(const std::string& path);

  // Whose token this is. UNAUTHENTICATED: nobody's, or it has expired.
  absl::StatusOr<const Credential*> ByToken(absl::string_view text,
                                            absl::Time now) const;
  // Whose certificate; likewise.
  absl::StatusOr<const Credential*> BySubject(absl::string_view subject,
                                              absl::Time now) const;

  const std::vector<Credential>& all() const { return all_; }
  // Of all calls that need the role, together.
  const Limits& of(Role role) const {
    return role_limits_[static_cast<size_t>(role)];
  }

 private:
  // What a line of the file says.
  absl::Status AddLine(absl::string_view line);
  absl::Status Add(Credential credential);
  absl::Status SetRoleLimits(Role role, const Limits& limits);

  std::vector<Credential> all_;
  absl::flat_hash_map<std::string, size_t> by_id_;
  absl::flat_hash_map<std::string, size_t> by_subject_;
  std::array<Limits, kNumRoles> role_limits_;
  RoleSet limited_;  // the roles that a line has set limits of
};

// One line of the file, without its end, and without limits: people add those.
std::string CredentialLine(const Credential& credential);

}  // namespace taud::auth

#endif  // TAUD_AUTH_CREDENTIALS_H_
