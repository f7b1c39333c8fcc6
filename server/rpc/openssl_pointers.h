#ifndef TAUD_SERVER_RPC_OPENSSL_POINTERS_H_
#define TAUD_SERVER_RPC_OPENSSL_POINTERS_H_

#include <ctime>
#include <memory>

#include "absl/time/time.h"
#include "openssl/bio.h"
#include "openssl/evp.h"
#include "openssl/ssl.h"
#include "openssl/x509.h"

namespace taud::server {

// OpenSSL's things, freed as it says.
struct OpenSslFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
};
using BioPointer = std::unique_ptr<BIO, OpenSslFree>;
using KeyPointer = std::unique_ptr<EVP_PKEY, OpenSslFree>;
using SslPointer = std::unique_ptr<SSL, OpenSslFree>;
using X509Pointer = std::unique_ptr<X509, OpenSslFree>;
using CrlPointer = std::unique_ptr<X509_CRL, OpenSslFree>;

// InfinitePast: it is no time.
inline absl::Time TimeOf(const ASN1_TIME* time) {
  tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_OPENSSL_POINTERS_H_
