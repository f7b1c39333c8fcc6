// What is presented as a JWT, and a JWK Set. Nothing is let in: nobody has the
// secret. The first byte says which of the two the rest is.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "auth/jwt.h"
#include "model/check.h"

namespace {

// An RSA key, one of Ed25519 and a secret.
constexpr char kSet[] =
    R"({"keys": [{"kty": "oct", "kid": "h", "k":
        "c29tZSBzZWNyZXQgdGhhdCBub2JvZHkga25vd3MsIDMyIGJ5dGVz"},
        {"kty": "OKP", "kid": "d", "crv": "Ed25519",
         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "EC", "kid": "e", "crv": "P-256",
         "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::auth;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  JwtRules rules;
  rules.issuer = "https://id.example";
  rules.audience = "taud";
  if (data[0] == 'k') {
    const auto verifier = JwtVerifier::Create(text, rules);
    TAUD_CHECK(verifier.ok() || !verifier.status().message().empty());
    return 0;
  }
  static const JwtVerifier* const verifier =
      JwtVerifier::Create(kSet, rules)->release();
  TAUD_CHECK(!verifier->Verify(text, absl::FromUnixSeconds(1800000000)).ok());
  return 0;
}
