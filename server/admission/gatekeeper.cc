#include "server/admission/gatekeeper.h"

#include <openssl/crypto.h>

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
void AddCertificate(const grpc::ServerContextBase& context,
                    Presented* presented) {
  const auto peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return;
  presented->subject = OnlyProperty(*peer, kSubjectProperty);
  presented->certificate = IssuerAndSerial(
      absl::string_view(OnlyProperty(*peer, GRPC_X509_PEM_CERT_PROPERTY_NAME)));
}

absl::StatusOr<Caller> CallerOf(
    CredentialKind kind, const absl::StatusOr<const auth::Credential*>& found) {
  if (!found.ok()) return found.status();
  const auth::Credential& credential = **found;
  return Caller{credential.name, kind, credential.roles, credential.key(),
                credential.limits};
}

absl::StatusOr<Caller> CallerOf(const absl::StatusOr<auth::JwtCaller>& good) {
  if (!good.ok()) return good.status();
  return Caller{good->subject, CredentialKind::kJwt, good->roles,
                absl::StrCat("jwt:", good->subject), auth::Limits()};
}

}  // namespace

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

Gatekeeper::Known Gatekeeper::GetKnown() const {
  absl::MutexLock lock(&mutex_);
  return known_;
}

absl::StatusOr<Caller> Gatekeeper::Recognise(const Known& known,
                                             const Presented& presented,
                                             absl::Time now) {
  if (presented.twice) {
    return absl::UnauthenticatedError(
        "more than one authorization header was sent");
  }
  if (!presented.authorization.empty()) {
    const absl::string_view token = BearerToken(presented.authorization);
    const bool is_jwt = known.jwt != nullptr && absl::StrContains(token, '.');
    if (is_jwt) return CallerOf(known.jwt->Verify(token, now));
    if (known.table != nullptr) {
      return CallerOf(CredentialKind::kToken, known.table->ByToken(token, now));
    }
    return absl::UnauthenticatedError("the token is not known here");
  }
  const bool revoked =
      known.revoked != nullptr && known.revoked->Has(presented.certificate);
  if (!presented.subject.empty() && !revoked && known.table != nullptr) {
    return CallerOf(CredentialKind::kCertificate,
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
  auto caller = Recognise(known, presented, now);
  if (!caller.ok()) return caller;
  caller->limits = caller->limits.Or(known.limits);
  if (caller->roles.Has(role)) return caller;
  return absl::PermissionDeniedError(
      absl::StrCat("the role ", auth::RoleName(role), " is needed; ",
                   caller->name, " has ", caller->roles.Text()));
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
    presented.certificate = OnlyValue(context, kCertificateKey, &several);
    presented.address = OnlyValue(context, kAddressKey, &several);
  } else {
    AddCertificate(context, &presented);
    presented.address = context.peer();
  }
  return presented;
}

}  // namespace taud::server
