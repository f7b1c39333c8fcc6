#include "server/rpc/revoked_certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace taud::server {
namespace {

// That an issuer's clock may be ahead.
constexpr absl::Duration kLeeway = absl::Minutes(5);

struct FreeName {
  void operator()(PKCS7_ISSUER_AND_SERIAL* name) const {
    PKCS7_ISSUER_AND_SERIAL_free(name);
  }
};
using NamePointer = std::unique_ptr<PKCS7_ISSUER_AND_SERIAL, FreeName>;

bool IsSignedBy(X509_CRL* list, X509* ca) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(ca)) !=
      0) {
    return false;
  }
  const bool good = X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1;
  ERR_clear_error();
  return good;
}

absl::Status Check(X509_CRL* list, const std::vector<X509Pointer>& cas,
                   absl::string_view source, absl::Time now) {
  const bool known = std::any_of(
      cas.begin(), cas.end(),
      [list](const X509Pointer& ca) { return IsSignedBy(list, ca.get()); });
  if (!known) {
    return absl::InvalidArgumentError(absl::StrCat(
        source,
        " has a list that no certificate of tls.client_ca_file has signed"));
  }
  const absl::Time begins = TimeOf(X509_CRL_get0_lastUpdate(list));
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list);
  const absl::Time expires =
      next == nullptr ? absl::InfiniteFuture() : TimeOf(next);
  if (now + kLeeway >= begins && now < expires) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      source, " has a list that is valid from ",
      absl::FormatTime(absl::RFC3339_sec, begins, absl::UTCTimeZone()), " to ",
      absl::FormatTime(absl::RFC3339_sec, expires, absl::UTCTimeZone())));
}

// The first of them, which is taken off; null if it is none.
NamePointer TakeName(absl::string_view* issuers_and_serials) {
  const auto* begin =
      reinterpret_cast<const unsigned char*>(issuers_and_serials->data());
  const unsigned char* end = begin;
  NamePointer name(d2i_PKCS7_ISSUER_AND_SERIAL(
      nullptr, &end, static_cast<long>(issuers_and_serials->size())));
  ERR_clear_error();
  issuers_and_serials->remove_prefix(static_cast<size_t>(end - begin));
  return name;
}

// Whether one of them signed it, by its name.
bool IsIssuer(const std::vector<X509Pointer>& cas,
              const PKCS7_ISSUER_AND_SERIAL& name) {
  return std::any_of(cas.begin(), cas.end(), [&name](const X509Pointer& ca) {
    return X509_NAME_cmp(X509_get_subject_name(ca.get()), name.issuer) == 0;
  });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RevokedCertificates>>
RevokedCertificates::Read(const std::string& pem,
                          const std::vector<X509Pointer>& cas,
                          absl::string_view source, absl::Time now) {
  auto revoked = std::make_shared<RevokedCertificates>();
  const BioPointer memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509_CRL* one =
             PEM_read_bio_X509_CRL(memory.get(), nullptr, nullptr, nullptr)) {
    revoked->lists_.emplace_back(one);
    absl::Status status = Check(one, cas, source, now);
    if (!status.ok()) return status;
  }
  // At the end there is no further beginning; anything else is a broken list.
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (revoked->lists_.empty() || !at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, revoked->lists_.empty() ? " has no list in PEM"
                                                     : " has a broken list"));
  }
  for (const X509Pointer& ca : cas) {
    X509_up_ref(ca.get());
    revoked->cas_.emplace_back(ca.get());
  }
  revoked->FindRevokedCas();
  return std::shared_ptr<const RevokedCertificates>(std::move(revoked));
}

void RevokedCertificates::FindRevokedCas() {
  std::vector<bool> found(cas_.size(), false);
  // One that is found may have signed one that was looked at before.
  for (bool more = true; more;) {
    more = false;
    for (size_t c = 0; c < cas_.size(); ++c) {
      const std::string own = IssuerAndSerial(cas_[c].get());
      absl::string_view rest = own;
      const NamePointer name = TakeName(&rest);
      if (found[c] || (name != nullptr && !IsRevoked(*name))) continue;
      X509_up_ref(cas_[c].get());
      revoked_cas_.emplace_back(cas_[c].get());
      found[c] = more = true;
    }
  }
}

bool RevokedCertificates::Has(absl::string_view issuers_and_serials) const {
  bool known = false;  // one was signed by a CA that is trusted
  int seen = 0;
  do {
    const NamePointer name = TakeName(&issuers_and_serials);
    if (name == nullptr || ++seen > kMaxChain || IsRevoked(*name)) return true;
    known |= IsIssuer(cas_, *name);
  } while (!issuers_and_serials.empty());
  return !known;
}

bool RevokedCertificates::IsRevoked(const PKCS7_ISSUER_AND_SERIAL& name) const {
  const auto names_it = [&name](const CrlPointer& list) {
    X509_REVOKED* entry = nullptr;
    // 2: it was on the list and is not any more.
    return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), name.issuer) == 0 &&
           X509_CRL_get0_by_serial(list.get(), &entry, name.serial) == 1;
  };
  return IsIssuer(revoked_cas_, name) ||
         std::any_of(lists_.begin(), lists_.end(), names_it);
}

std::string IssuerAndSerial(X509* certificate) {
  const NamePointer name(PKCS7_ISSUER_AND_SERIAL_new());
  if (name == nullptr ||
      X509_NAME_set(&name->issuer, X509_get_issuer_name(certificate)) != 1) {
    return "";
  }
  ASN1_INTEGER_free(name->serial);
  name->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(certificate));
  unsigned char* data = nullptr;
  const int size = name->serial == nullptr
                       ? 0
                       : i2d_PKCS7_ISSUER_AND_SERIAL(name.get(), &data);
  ERR_clear_error();
  if (size <= 0) return "";
  std::string text(reinterpret_cast<const char*>(data),
                   static_cast<size_t>(size));
  OPENSSL_free(data);
  return text;
}

std::string IssuersAndSerials(absl::string_view pem) {
  const BioPointer memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::string all;
  // One more than is looked at: it says that there are too many.
  for (int c = 0; c <= RevokedCertificates::kMaxChain; ++c) {
    const X509Pointer certificate(
        PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    all += IssuerAndSerial(certificate.get());
  }
  ERR_clear_error();
  return all;
}

}  // namespace taud::server
