#include "server/door.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "auth/credentials.h"
#include "auth/jwt.h"
#include "server/observe/logging.h"

namespace taud::server {
namespace {

constexpr size_t kMinKeyBytes = 32;
constexpr absl::Duration kLookInterval = absl::Seconds(1);

absl::Status InKey(const char* key, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(key, ": ", status.message()));
}

// Of who states none.
auth::Limits LimitsOf(const config::v1::Auth& config) {
  auth::Limits limits;
  limits.requests_per_second = config.requests_per_second();
  limits.interactions_per_second = config.interactions_per_second();
  limits.bytes_per_second = config.bytes_per_second();
  limits.streams = config.streams();
  limits.max_weight = config.max_weight();
  return limits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Open(
    const config::v1::Config& config, Metrics* metrics) {
  std::unique_ptr<Door> door(new Door(config));
  door->metrics_ = metrics;
  door->gate_.SetLimits(LimitsOf(config.auth()));
  std::vector<FileWatch::Watched> watched;
  const std::string& tokens = config.auth().tokens_file();
  if (!tokens.empty()) {
    watched.push_back({"auth.tokens_file", {tokens}, [own = door.get()] {
                         return own->ReadTokens();
                       }});
  }
  const std::string& jwks = config.auth().jwks_file();
  if (!jwks.empty()) {
    watched.push_back({"auth.jwks_file", {jwks}, [own = door.get()] {
                         return own->ReadJwks();
                       }});
  }
  const config::v1::Tls& tls = config.tls();
  if (!tls.certificate_file().empty()) {
    watched.push_back({"tls",
                       {tls.certificate_file(), tls.key_file(),
                        tls.client_ca_file(), tls.client_crl_file()},
                       [own = door.get()] { return own->ReadTls(); }});
  }
  const std::string& id_key = config.audit().id_key_file();
  if (!id_key.empty()) {
    watched.push_back({"audit.id_key_file", {id_key}, [own = door.get()] {
                         return own->ReadIdKey();
                       }});
  }
  absl::Status opened = InKey("audit.file", door->OpenAudit());
  if (!opened.ok()) return opened;
  // Stamped before they are read: a change meanwhile is seen.
  door->watch_ = std::make_unique<FileWatch>(
      watched, kLookInterval, [metrics](const std::string& what, bool ok) {
        metrics->CountReload(what, ok);
      });
  for (const FileWatch::Watched& one : watched) {
    absl::Status status = InKey(one.what.c_str(), one.reload());
    if (!status.ok()) return status;
  }
  door->MakeGrpcCredentials();
  door->watch_->Start();
  return door;
}

absl::Status Door::ReadJwks() {
  const config::v1::Auth& config = config_.auth();
  auth::JwtRules rules;
  rules.issuer = config.jwt_issuer();
  rules.audience = config.jwt_audience();
  rules.roles_claim = config.jwt_roles_claim();
  rules.leeway = absl::Seconds(config.jwt_leeway_seconds());
  auto text = auth::ReadCredentialFile(config.jwks_file());
  if (!text.ok()) return text.status();
  auto verifier = auth::JwtVerifier::Create(*text, std::move(rules));
  if (!verifier.ok()) {
    return absl::Status(
        verifier.status().code(),
        absl::StrCat(config.jwks_file(), " ", verifier.status().message()));
  }
  Log(LogLevel::kInfo, "keys of JWTs read", {{"file", config.jwks_file()}});
  gate_.SetJwt(*std::move(verifier));
  return absl::OkStatus();
}

absl::Status Door::OpenAudit() {
  const config::v1::Audit& config = config_.audit();
  if (config.file().empty()) return absl::OkStatus();
  AuditLog::Options options;
  options.file.path = config.file();
  options.file.max_bytes = static_cast<uint64_t>(config.max_file_mib()) << 20;
  options.file.keep = static_cast<size_t>(config.keep_files());
  options.sample_share = config.sample_percent() / 100;
  auto log = AuditLog::Open(std::move(options),
                            [metrics = metrics_](size_t lines, bool written) {
                              metrics->CountAuditLines(lines, written);
                            });
  if (!log.ok()) return log.status();
  audit_ = *std::move(log);
  return absl::OkStatus();
}

absl::Status Door::ReadIdKey() {
  const std::string& path = config_.audit().id_key_file();
  auto text = auth::ReadCredentialFile(path);
  if (!text.ok()) return text.status();
  const absl::string_view key = absl::StripTrailingAsciiWhitespace(*text);
  if (key.size() < kMinKeyBytes) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": ", kMinKeyBytes,
                     " characters or more are needed; `openssl rand -hex 32` "
                     "makes some"));
  }
  audit_->SetIdKey(std::string(key));
  Log(LogLevel::kInfo, "key of the audit log read", {{"file", path}});
  return absl::OkStatus();
}

void Door::MakeGrpcCredentials() {
  // Who may open the socket is the system's affair.
  const bool socket =
      absl::StartsWith(config_.server().grpc_address(), "unix:");
  grpc_credentials_ = tls_ == nullptr || socket
                          ? grpc::InsecureServerCredentials()
                          : TlsServerCredentials(tls_.get());
}

absl::Status Door::ReadTls() {
  absl::Status status;
  if (tls_ == nullptr) {
    auto opened = TlsFiles::Open(config_.tls());
    status = opened.status();
    if (opened.ok()) tls_ = *std::move(opened);
  } else {
    status = tls_->Reload();
  }
  if (tls_ == nullptr) return status;
  // Of a bad list of revoked ones the certificate beside it counts.
  gate_.SetRevoked(tls_->Get()->revoked);
  const absl::Time expires = tls_->Get()->expires;
  metrics_->SetCertificateExpiry(expires);
  if (!status.ok()) return status;
  Log(LogLevel::kInfo, "certificate read",
      {{"file", config_.tls().certificate_file()},
       {"expires",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", expires, absl::UTCTimeZone())}});
  return absl::OkStatus();
}

absl::Status Door::ReadTokens() {
  auto table = auth::CredentialTable::Load(config_.auth().tokens_file());
  if (!table.ok()) return table.status();
  Log(LogLevel::kInfo, "credentials read",
      {{"file", config_.auth().tokens_file()},
       {"credentials", absl::StrCat(table->all().size())}});
  gate_.SetCredentials(
      std::make_shared<const auth::CredentialTable>(*std::move(table)));
  return absl::OkStatus();
}

}  // namespace taud::server
