#include "auth/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <rhonabwy.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "auth/token.h"
#include "nlohmann/json.hpp"

namespace taud::auth {
namespace {

using nlohmann::json;

constexpr size_t kMaxTokenBytes = 8192;
constexpr size_t kMaxSubjectBytes = 128;
constexpr size_t kMaxKeys = 100;
constexpr size_t kMostRemembered = 4096;
// What is shorter could be guessed (RFC 7518, 3.2; 3.3).
constexpr size_t kLeastSecretBytes = 32;
constexpr unsigned kLeastRsaBits = 2048;
constexpr size_t kCoordinateBytes = 32;  // of P-256 and Ed25519

absl::Status Refused(absl::string_view why) {
  return absl::UnauthenticatedError(absl::StrCat("the JWT ", why));
}

struct FreeRhonabwy {
  void operator()(jwk_t* jwk) const { r_jwk_free(jwk); }
  void operator()(jws_t* jws) const { r_jws_free(jws); }
};
using JwkPointer = std::unique_ptr<jwk_t, FreeRhonabwy>;
using JwsPointer = std::unique_ptr<jws_t, FreeRhonabwy>;

JwkPointer ReadJwk(const std::string& text) {
  jwk_t* jwk = nullptr;
  if (r_jwk_init(&jwk) != RHN_OK) return nullptr;
  JwkPointer owned(jwk);
  if (r_jwk_import_from_json_str(jwk, text.c_str()) != RHN_OK) return nullptr;
  return owned;
}

// Its value if it is a text.
std::string Text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>()
                                               : std::string();
}

// Strictly as RFC 4648, 5, without padding: one text for each bytes.
std::optional<std::string> Decode(absl::string_view text) {
  std::string bytes;
  std::string again;
  if (!absl::WebSafeBase64Unescape(text, &bytes)) return std::nullopt;
  absl::WebSafeBase64Escape(bytes, &again);
  if (again != text) return std::nullopt;
  return bytes;
}

std::optional<json> Object(absl::string_view text) {
  json parsed = json::parse(text.begin(), text.end(), nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  return parsed;
}

bool SignedByHmac(absl::string_view signed_part, absl::string_view signature,
                  const std::string& secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(signed_part.data()),
       signed_part.size(), digest.data(), &size);
  return size == signature.size() &&
         CRYPTO_memcmp(digest.data(), signature.data(), size) == 0;
}

bool SignedByKey(const std::string& token, const std::string& key,
                 jwa_alg algorithm) {
  const JwkPointer jwk = ReadJwk(key);
  jws_t* raw = nullptr;
  if (jwk == nullptr || r_jws_init(&raw) != RHN_OK) return false;
  const JwsPointer jws(raw);
  // Nothing that the token brings along or points to.
  return r_jws_advanced_parse(jws.get(), token.c_str(), R_PARSE_NONE, 0) ==
             RHN_OK &&
         r_jws_get_alg(jws.get()) == algorithm &&
         r_jws_verify_signature(jws.get(), jwk.get(), 0) == RHN_OK;
}

// Whether `claim` is `wanted`, or a list that has it.
bool Names(const json& claims, const char* claim, const std::string& wanted) {
  const auto it = claims.find(claim);
  if (it == claims.end()) return false;
  if (it->is_string()) return it->get<std::string>() == wanted;
  return it->is_array() &&
         std::find(it->begin(), it->end(), json(wanted)) != it->end();
}

// Seconds since 1970; nothing: not there, or no time.
std::optional<absl::Time> TimeClaim(const json& claims, const char* claim) {
  const auto it = claims.find(claim);
  if (it == claims.end() || !it->is_number()) return std::nullopt;
  const double seconds = it->get<double>();
  if (!std::isfinite(seconds) || std::abs(seconds) > 1e12) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

RoleSet RolesOf(const json& claims, const std::string& claim) {
  RoleSet roles;
  const auto it = claims.find(claim);
  if (it == claims.end()) return roles;
  std::vector<std::string> names;
  if (it->is_string()) {
    names = absl::StrSplit(it->get<std::string>(), ' ', absl::SkipEmpty());
  } else if (it->is_array()) {
    for (const json& one : *it) {
      if (one.is_string()) names.push_back(one.get<std::string>());
    }
  }
  // Others' roles are none of ours.
  for (const std::string& name : names) {
    if (const auto role = ParseRole(name)) roles.Add(*role);
  }
  return roles;
}

bool IsSubject(const std::string& text) {
  return !text.empty() && text.size() <= kMaxSubjectBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(c); });
}

}  // namespace

struct JwtVerifier::Key {
  std::string kid;
  std::string algorithm;  // the only one that it checks
  std::string jwk;        // JSON
  std::string secret;     // of HS256
  jwa_alg library = R_JWA_ALG_UNKNOWN;
};

namespace {

struct KeyKind {
  const char* type;   // `kty`
  const char* curve;  // `crv`; "": there is none
  const char* algorithm;
  jwa_alg library;
};
constexpr KeyKind kKinds[] = {
    {"oct", "", "HS256", R_JWA_ALG_HS256},
    {"RSA", "", "RS256", R_JWA_ALG_RS256},
    {"EC", "P-256", "ES256", R_JWA_ALG_ES256},
    {"OKP", "Ed25519", "EdDSA", R_JWA_ALG_EDDSA},
};

const KeyKind* KindOf(const json& jwk) {
  for (const KeyKind& kind : kKinds) {
    if (Text(jwk, "kty") == kind.type &&
        (*kind.curve == '\0' || Text(jwk, "crv") == kind.curve)) {
      return &kind;
    }
  }
  return nullptr;
}

absl::Status CheckStrength(const json& jwk, const KeyKind& kind) {
  if (kind.library == R_JWA_ALG_HS256) {
    const auto secret = Decode(Text(jwk, "k"));
    if (!secret.has_value() || secret->size() < kLeastSecretBytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "k: a secret of ", kLeastSecretBytes, " bytes or more is needed"));
    }
    return absl::OkStatus();
  }
  // The library takes coordinates of any length.
  for (const char* coordinate : {"x", "y"}) {
    if (!jwk.contains(coordinate)) continue;
    const auto bytes = Decode(Text(jwk, coordinate));
    if (!bytes.has_value() || bytes->size() != kCoordinateBytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          coordinate, ": ", kCoordinateBytes, " bytes are needed"));
    }
  }
  const JwkPointer read = ReadJwk(jwk.dump());
  unsigned bits = 0;
  if (read == nullptr ||
      r_jwk_key_type(read.get(), &bits, 0) == R_KEY_TYPE_NONE) {
    return absl::InvalidArgumentError("is no key");
  }
  if (kind.library == R_JWA_ALG_RS256 && bits < kLeastRsaBits) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", bits, " bits; ", kLeastRsaBits, " are needed"));
  }
  return absl::OkStatus();
}

}  // namespace

JwtVerifier::JwtVerifier(JwtRules rules) : rules_(std::move(rules)) {}
JwtVerifier::~JwtVerifier() = default;

absl::StatusOr<std::unique_ptr<JwtVerifier>> JwtVerifier::Create(
    absl::string_view jwks, JwtRules rules) {
  static const bool begun = r_global_init() == RHN_OK;
  if (!begun) return absl::InternalError("Rhonabwy does not start");
  const auto set = Object(jwks);
  if (!set.has_value() || !set->contains("keys") || !(*set)["keys"].is_array())
    return absl::InvalidArgumentError("is no JWK Set: {\"keys\": […]}");
  if ((*set)["keys"].size() > kMaxKeys) {
    return absl::InvalidArgumentError(
        absl::StrCat("has more than ", kMaxKeys, " keys"));
  }
  std::unique_ptr<JwtVerifier> verifier(new JwtVerifier(std::move(rules)));
  size_t number = 0;
  for (const json& jwk : (*set)["keys"]) {
    const std::string where = absl::StrCat("keys[", number++, "] ");
    if (!jwk.is_object()) {
      return absl::InvalidArgumentError(where + "is no object");
    }
    // A set may have others' keys, for what we do not check.
    const KeyKind* kind = KindOf(jwk);
    if (kind == nullptr) continue;
    if (jwk.contains("use") && Text(jwk, "use") != "sig") continue;
    if (jwk.contains("alg") && Text(jwk, "alg") != kind->algorithm) continue;
    const absl::Status strength = CheckStrength(jwk, *kind);
    if (!strength.ok()) {
      return absl::InvalidArgumentError(where +
                                        std::string(strength.message()));
    }
    Key key;
    key.kid = Text(jwk, "kid");
    key.algorithm = kind->algorithm;
    key.jwk = jwk.dump();
    key.library = kind->library;
    if (kind->library == R_JWA_ALG_HS256) key.secret = *Decode(Text(jwk, "k"));
    verifier->keys_.push_back(std::move(key));
  }
  if (verifier->keys_.empty()) {
    return absl::InvalidArgumentError(
        "has no key for HS256, RS256, ES256 or EdDSA (Ed25519)");
  }
  return verifier;
}

// Without a `kid` the only key of the algorithm; several would be a choice of
// the sender's.
const JwtVerifier::Key* JwtVerifier::FindKey(
    const std::string& kid, bool has_kid, const std::string& algorithm) const {
  const Key* found = nullptr;
  for (const Key& key : keys_) {
    if (key.algorithm != algorithm || (has_kid && key.kid != kid)) continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

absl::StatusOr<JwtCaller> JwtVerifier::CheckClaims(absl::string_view payload,
                                                   absl::Time now) const {
  const auto bytes = Decode(payload);
  const auto claims = bytes.has_value() ? Object(*bytes) : std::nullopt;
  if (!claims.has_value()) return Refused("has no claims");
  if (Text(*claims, "iss") != rules_.issuer) {
    return Refused("is of another issuer");
  }
  if (!Names(*claims, "aud", rules_.audience)) {
    return Refused("is for another audience");
  }
  const auto expires = TimeClaim(*claims, "exp");
  if (!expires.has_value()) return Refused("does not expire");
  if (now >= *expires + rules_.leeway) return Refused("has expired");
  for (const char* claim : {"nbf", "iat"}) {
    if (!claims->contains(claim)) continue;
    const auto from = TimeClaim(*claims, claim);
    if (!from.has_value() || now < *from - rules_.leeway) {
      return Refused("is not valid yet");
    }
  }
  JwtCaller caller;
  caller.subject = Text(*claims, "sub");
  if (!IsSubject(caller.subject)) {
    return Refused("names no subject of 1 to 128 printable characters");
  }
  caller.roles = RolesOf(*claims, rules_.roles_claim);
  caller.expires = *expires + rules_.leeway;
  return caller;
}

absl::StatusOr<JwtCaller> JwtVerifier::Check(absl::string_view token,
                                             absl::Time now) const {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return Refused("has not three parts");
  const auto head = Decode(parts[0]);
  const auto signature = Decode(parts[2]);
  const auto header = head.has_value() ? Object(*head) : std::nullopt;
  if (!header.has_value() || !signature.has_value()) {
    return Refused("is malformed");
  }
  if (header->contains("crit") || header->contains("b64")) {
    return Refused("asks for an extension");
  }
  const Key* key = FindKey(Text(*header, "kid"), header->contains("kid"),
                           Text(*header, "alg"));
  if (key == nullptr) {
    return Refused("is not signed by a key that is known here");
  }
  const bool good =
      key->library == R_JWA_ALG_HS256
          ? SignedByHmac(token.substr(0, token.rfind('.')), *signature,
                         key->secret)
          : SignedByKey(std::string(token), key->jwk, key->library);
  if (!good) return Refused("has a wrong signature");
  return CheckClaims(parts[1], now);
}

absl::StatusOr<JwtCaller> JwtVerifier::Verify(absl::string_view token,
                                              absl::Time now) const {
  if (token.size() > kMaxTokenBytes) return Refused("is too long");
  const std::string digest = Sha256Hex(token);
  {
    absl::MutexLock lock(&mutex_);
    const auto it = good_.find(digest);
    if (it != good_.end() && now < it->second.expires) return it->second;
  }
  auto caller = Check(token, now);
  if (!caller.ok()) return caller;
  absl::MutexLock lock(&mutex_);
  if (good_.size() >= kMostRemembered) good_.clear();
  good_[digest] = *caller;
  return caller;
}

}  // namespace taud::auth
