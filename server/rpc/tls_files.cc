#include "server/rpc/tls_files.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "auth/credentials.h"
#include "server/rpc/openssl_pointers.h"

namespace taud::server {
namespace {

// Of TLS 1.2; those of 1.3 are all good. The same as gRPC's.
constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL";

absl::StatusOr<std::string> ReadPem(const char* key, const std::string& path) {
  auto text = auth::ReadCredentialFile(path);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat(key, ": ", text.status().message()));
}

absl::Status Malformed(const char* key, const std::string& path,
                       absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(key, ": ", path, " ", what));
}

BioPointer Memory(const std::string& text) {
  return BioPointer(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<X509Pointer> ReadCertificates(const std::string& pem) {
  std::vector<X509Pointer> all;
  const BioPointer memory = Memory(pem);
  while (X509* one =
             PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(one);
  }
  ERR_clear_error();  // the end
  return all;
}

// A key under a password would be asked for on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

absl::Status CheckDates(const char* key, const std::string& path,
                        const X509& certificate, absl::Time now) {
  const absl::Time begins = TimeOf(X509_get0_notBefore(&certificate));
  const absl::Time expires = TimeOf(X509_get0_notAfter(&certificate));
  if (now < begins || now >= expires) {
    const auto spelt = [](absl::Time time) {
      return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time,
                              absl::UTCTimeZone());
    };
    return absl::FailedPreconditionError(absl::StrCat(
        key, ": the certificate of ", path,
        now < begins ? " is not valid before " : " has expired on ",
        spelt(now < begins ? begins : expires)));
  }
  return absl::OkStatus();
}

// The certificate, those that vouch for it, and the key.
absl::Status UseIdentity(const config::v1::Tls& config,
                         const TlsMaterial& material,
                         const std::vector<X509Pointer>& chain,
                         SSL_CTX* context) {
  const BioPointer memory = Memory(material.key);
  const KeyPointer key(
      PEM_read_bio_PrivateKey(memory.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) {
    return Malformed("tls.key_file", config.key_file(),
                     "has no private key in PEM without a password");
  }
  if (SSL_CTX_use_certificate(context, chain[0].get()) != 1) {
    return Malformed("tls.certificate_file", config.certificate_file(),
                     "has a certificate that cannot be used");
  }
  for (size_t c = 1; c < chain.size(); ++c) {
    SSL_CTX_add1_chain_cert(context, chain[c].get());
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return Malformed("tls.key_file", config.key_file(),
                     absl::StrCat("is not the key of the certificate of ",
                                  config.certificate_file()));
  }
  return absl::OkStatus();
}

absl::Status UseClientCas(const config::v1::Tls& config,
                          const TlsMaterial& material, SSL_CTX* context) {
  const std::vector<X509Pointer> cas = ReadCertificates(material.client_cas);
  if (cas.empty()) {
    return Malformed("tls.client_ca_file", config.client_ca_file(),
                     "has no certificate in PEM");
  }
  for (const X509Pointer& ca : cas) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
    SSL_CTX_add_client_CA(context, ca.get());
  }
  const int more =
      config.require_client_certificate() ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | more, nullptr);
  return absl::OkStatus();
}

// Null if no file is named.
absl::StatusOr<std::shared_ptr<const RevokedCertificates>> ReadRevoked(
    const config::v1::Tls& config, const TlsMaterial& material) {
  if (config.client_crl_file().empty()) return nullptr;
  auto pem = ReadPem("tls.client_crl_file", config.client_crl_file());
  if (!pem.ok()) return pem.status();
  return RevokedCertificates::Read(
      *pem, ReadCertificates(material.client_cas),
      absl::StrCat("tls.client_crl_file: ", config.client_crl_file()),
      absl::Now());
}

std::shared_ptr<SSL_CTX> NewContext() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()),
                                   SSL_CTX_free);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kCiphers);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  return context;
}

// gRPC asks it for a new configuration at each connection.
class ReloadingCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(const TlsFiles* files) : files_(files) {
    const auto request =
        files->Get()->client_cas.empty()
            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
        : files->requires_client_certificate()
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            request, Fetch, this));
  }
  ~ReloadingCredentials() override {
    grpc_server_credentials_release(credentials_);
  }
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address,
                      grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadingCredentials*>(self)->FetchNew(config);
  }
  grpc_ssl_certificate_config_reload_status FetchNew(
      grpc_ssl_server_certificate_config** config) {
    const std::shared_ptr<const TlsMaterial> material = files_->Get();
    absl::MutexLock lock(&mutex_);
    if (material->generation == given_) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {material->key.c_str(),
                                             material->certificates.c_str()};
    // gRPC wants some even where no client is asked for a certificate.
    const std::string& cas = material->client_cas.empty()
                                 ? material->certificates
                                 : material->client_cas;
    *config = grpc_ssl_server_certificate_config_create(cas.c_str(), &pair, 1);
    given_ = material->generation;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsFiles* const files_;
  grpc_server_credentials* credentials_ = nullptr;
  absl::Mutex mutex_;
  uint64_t given_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Open(
    const config::v1::Tls& config) {
  std::unique_ptr<TlsFiles> files(new TlsFiles(config));
  absl::Status status = files->Reload();
  if (!status.ok()) return status;
  return files;
}

absl::Status TlsFiles::Reload() {
  auto read = Read();
  if (!read.ok()) return read.status();
  auto revoked = ReadRevoked(config_, *read);
  absl::MutexLock lock(&mutex_);
  if (revoked.ok()) {
    read->revoked = *std::move(revoked);
  } else if (material_ == nullptr) {
    return revoked.status();
  } else {
    // A bad list keeps no new certificate out.
    read->revoked = material_->revoked;
  }
  read->generation = material_ == nullptr ? 1 : material_->generation + 1;
  material_ = std::make_shared<const TlsMaterial>(*std::move(read));
  return revoked.status();
}

std::shared_ptr<const TlsMaterial> TlsFiles::Get() const {
  absl::MutexLock lock(&mutex_);
  return material_;
}

absl::StatusOr<TlsMaterial> TlsFiles::Read() const {
  TlsMaterial material;
  const bool asks = !config_.client_ca_file().empty();
  const struct {
    const char* key;
    const std::string& path;
    std::string* pem;
  } files[] = {
      {"tls.certificate_file", config_.certificate_file(),
       &material.certificates},
      {"tls.key_file", config_.key_file(), &material.key},
      {"tls.client_ca_file", config_.client_ca_file(), &material.client_cas},
  };
  for (const auto& file : files) {
    if (file.pem == &material.client_cas && !asks) continue;
    auto pem = ReadPem(file.key, file.path);
    if (!pem.ok()) return pem.status();
    *file.pem = *std::move(pem);
  }
  const std::vector<X509Pointer> chain =
      ReadCertificates(material.certificates);
  if (chain.empty()) {
    return Malformed("tls.certificate_file", config_.certificate_file(),
                     "has no certificate in PEM");
  }
  absl::Status status =
      CheckDates("tls.certificate_file", config_.certificate_file(), *chain[0],
                 absl::Now());
  if (!status.ok()) return status;
  material.expires = TimeOf(X509_get0_notAfter(chain[0].get()));
  material.context = NewContext();
  if (material.context == nullptr) {
    return absl::InternalError("OpenSSL has no TLS");
  }
  status = UseIdentity(config_, material, chain, material.context.get());
  if (status.ok() && asks) {
    status = UseClientCas(config_, material, material.context.get());
  }
  if (!status.ok()) return status;
  return material;
}

std::shared_ptr<grpc::ServerCredentials> TlsServerCredentials(
    const TlsFiles* files) {
  return std::make_shared<ReloadingCredentials>(files);
}

PeerCertificate PeerCertificateOf(const SSL* ssl) {
  const X509Pointer certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
    return {};
  }
  const BioPointer text(BIO_new(BIO_s_mem()));
  if (text == nullptr ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()),
                         0, XN_FLAG_RFC2253) < 0) {
    return {};
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  PeerCertificate peer{std::string(data, static_cast<size_t>(size)), ""};
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  for (int c = 0; c < sk_X509_num(chain); ++c) {
    peer.issuers_and_serials += IssuerAndSerial(sk_X509_value(chain, c));
  }
  return peer;
}

}  // namespace taud::server
