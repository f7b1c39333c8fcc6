#include "server/admission/gatekeeper.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "auth/token.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"

namespace taud::server {
namespace {

// The property of gRPC's that has the whole subject.
constexpr char kSubjectProperty[] = "x509_subject";

// "Bearer TOKEN"; empty if it is of another kind.
absl::string_view BearerToken(absl::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == absl::string_view::npos ||
      !absl::EqualsIgnoreCase(authorization.substr(0, space), "Bearer")) {
    return "";
  }
  return absl::StripAsciiWhitespace(authorization.substr(space));
}

std::string NewSecret() {
  const auto token = auth::MakeToken();
  // Without random numbers nothing vouches for whom a call is made.
  return token.ok() ? token->text : std::string();
}

// The only value of the key; nothing else may count as one.
std::string OnlyValue(const grpc::ServerContextBase& context, const char* key,
                      bool* twice) {
  const auto& metadata = context.client_metadata();
  const auto [begin, end] = metadata.equal_range(key);
  if (begin == end) return "";
  *twice = std::next(begin) != end;
  return std::string(begin->second.data(), begin->second.size());
}

// The only value of the property, or nothing.
std::string OnlyProperty(const grpc::AuthContext& peer, const char* property) {
  const auto values = peer.FindPropertyValues(property);
  return values.size() == 1 ? std::string(values[0].data(), values[0].size())
                            : std::string();
}

// Of a certificate that was verified.
void AddCertificate(const grpc::ServerContextBase& context, bool with_chain,
                    Presented* presented) {
  const auto peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return;
  presented->subject = OnlyProperty(*peer, kSubjectProperty);
  if (!with_chain) return;
  // On a server the chain is without the certificate itself.
  presented->certificates =
      IssuersAndSerials(OnlyProperty(*peer, GRPC_X509_PEM_CERT_PROPERTY_NAME)) +
      IssuersAndSerials(
          OnlyProperty(*peer, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME));
}

// The smaller of two limits, 0 being none.
double Tighter(double a, double b) {
  if (a <= 0 || b <= 0) return std::max(a, b);
  return std::min(a, b);
}

// From now on what the caller does counts against these limits, too.
void Limit(Limited limited, Caller* caller) {
  caller->max_weight = Tighter(caller->max_weight, limited.limits.max_weight);
  if (limited.limits.any()) caller->limited.push_back(std::move(limited));
}

}  // namespace

// Whose credential it is, and what that says of its own limits.
struct Gatekeeper::Recognised {
  Caller caller;
  std::string key;
  auth::Limits limits;
};

Gatekeeper::Gatekeeper() : secret_(NewSecret()) {}

void Gatekeeper::SetCredentials(
    std::shared_ptr<const auth::CredentialTable> table) {
  absl::MutexLock lock(&mutex_);
  known_.table = std::move(table);
}

void Gatekeeper::SetJwt(std::shared_ptr<const auth::JwtVerifier> verifier) {
  absl::MutexLock lock(&mutex_);
  known_.jwt = std::move(verifier);
}

void Gatekeeper::SetRevoked(
    std::shared_ptr<const RevokedCertificates> revoked) {
  absl::MutexLock lock(&mutex_);
  known_.revoked = std::move(revoked);
}

void Gatekeeper::SetLimits(const auth::Limits& limits) {
  absl::MutexLock lock(&mutex_);
  known_.limits = limits;
}

bool Gatekeeper::closed() const {
  absl::MutexLock lock(&mutex_);
  return known_.table != nullptr || known_.jwt != nullptr;
}

bool Gatekeeper::looks_up_revoked() const {
  absl::MutexLock lock(&mutex_);
  return known_.revoked != nullptr;
}

Gatekeeper::Known Gatekeeper::GetKnown() const {
  absl::MutexLock lock(&mutex_);
  return known_;
}

absl::StatusOr<Gatekeeper::Recognised> Gatekeeper::Recognise(
    const Known& known, const Presented& presented, absl::Time now) {
  const auto of_table = [](CredentialKind kind,
                           const absl::StatusOr<const auth::Credential*>& found)
      -> absl::StatusOr<Recognised> {
    if (!found.ok()) return found.status();
    const auth::Credential& one = **found;
    return Recognised{Caller{one.name, kind, one.roles, {}, 0}, one.key(),
                      one.limits};
  };
  const auto of_jwt = [](const absl::StatusOr<auth::JwtCaller>& good)
      -> absl::StatusOr<Recognised> {
    if (!good.ok()) return good.status();
    return Recognised{
        Caller{good->subject, CredentialKind::kJwt, good->roles, {}, 0},
        absl::StrCat("jwt:", good->subject), auth::Limits()};
  };
  if (presented.twice) {
    return absl::UnauthenticatedError(
        "more than one authorization header was sent");
  }
  if (!presented.authorization.empty()) {
    const absl::string_view token = BearerToken(presented.authorization);
    const bool is_jwt = known.jwt != nullptr && absl::StrContains(token, '.');
    if (is_jwt) return of_jwt(known.jwt->Verify(token, now));
    if (known.table != nullptr) {
      return of_table(CredentialKind::kToken, known.table->ByToken(token, now));
    }
    return absl::UnauthenticatedError("the token is not known here");
  }
  const bool revoked =
      known.revoked != nullptr && known.revoked->Has(presented.certificates);
  if (!presented.subject.empty() && !revoked && known.table != nullptr) {
    return of_table(CredentialKind::kCertificate,
                    known.table->BySubject(presented.subject, now));
  }
  return absl::UnauthenticatedError(
      "a credential is needed: send `authorization: Bearer TOKEN`");
}

absl::StatusOr<Caller> Gatekeeper::Admit(const Presented& presented,
                                         auth::Role role,
                                         absl::Time now) const {
  const Known known = GetKnown();
  if (known.table == nullptr && known.jwt == nullptr) {
    Caller everybody;
    everybody.roles = auth::RoleSet::All();
    return everybody;
  }
  auto recognised = Recognise(known, presented, now);
  if (!recognised.ok()) return recognised.status();
  Caller caller = std::move(recognised->caller);
  const char* const name = auth::RoleName(role);
  if (!caller.roles.Has(role)) {
    return absl::PermissionDeniedError(
        absl::StrCat("the role ", name, " is needed; ", caller.name, " has ",
                     caller.roles.Text()));
  }
  Limit({std::move(recognised->key), caller.name, "its credential",
         recognised->limits.Or(known.limits)},
        &caller);
  if (known.table != nullptr) {
    Limit({absl::StrCat("role:", name), absl::StrCat("the role ", name),
           "all who call with it", known.table->of(role)},
          &caller);
  }
  return caller;
}

Presented Gatekeeper::PresentedBy(
    const grpc::ServerContextBase& context) const {
  Presented presented;
  presented.authorization =
      OnlyValue(context, "authorization", &presented.twice);
  bool several = false;
  const std::string secret = OnlyValue(context, kSecretKey, &several);
  const bool inner =
      !secret_.empty() && secret.size() == secret_.size() &&
      CRYPTO_memcmp(secret.data(), secret_.data(), secret.size()) == 0;
  if (inner) {
    presented.subject = OnlyValue(context, kSubjectKey, &several);
    presented.certificates = OnlyValue(context, kCertificatesKey, &several);
    presented.address = OnlyValue(context, kAddressKey, &several);
  } else {
    // Reading certificates takes longer than a call: only where they are looked
    // up.
    AddCertificate(context, looks_up_revoked(), &presented);
    presented.address = context.peer();
  }
  return presented;
}

}  // namespace taud::server
