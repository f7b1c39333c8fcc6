#include "auth/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace taud::auth {
namespace {

// So that a search for leaked secrets finds them.
constexpr absl::string_view kTokenPrefix = "taud_";
constexpr absl::string_view kHashPrefix = "sha256:";
constexpr size_t kIdBytes = 6;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretDigits = 43;  // of base64 without padding
constexpr size_t kSaltBytes = 16;
constexpr size_t kTokenBytes =
    kTokenPrefix.size() + 2 * kIdBytes + 1 + kSecretDigits;

bool IsHex(absl::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::StatusOr<std::string> RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                 static_cast<int>(size)) != 1) {
    return absl::InternalError("the system gives no random numbers");
  }
  return bytes;
}

// "SALT:DIGEST" of a hash; empty if it is none.
std::pair<absl::string_view, absl::string_view> Parts(absl::string_view hash) {
  if (!absl::ConsumePrefix(&hash, kHashPrefix)) return {};
  const size_t colon = hash.find(':');
  if (colon == absl::string_view::npos) return {};
  const absl::string_view salt = hash.substr(0, colon);
  const absl::string_view digest = hash.substr(colon + 1);
  if (!IsHex(salt, 2 * kSaltBytes) || !IsHex(digest, 2 * SHA256_DIGEST_LENGTH))
    return {};
  return {salt, digest};
}

std::string Digest(absl::string_view salt, absl::string_view text) {
  return Sha256Hex(absl::StrCat(salt, ":", text));
}

}  // namespace

std::string Sha256Hex(absl::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         digest.data());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::StatusOr<NewToken> MakeToken() {
  auto random = RandomBytes(kIdBytes + kSecretBytes + kSaltBytes);
  if (!random.ok()) return random.status();
  const absl::string_view bytes = *random;
  NewToken token;
  token.id = absl::BytesToHexString(bytes.substr(0, kIdBytes));
  std::string secret;
  absl::WebSafeBase64Escape(bytes.substr(kIdBytes, kSecretBytes), &secret);
  token.text = absl::StrCat(kTokenPrefix, token.id, "_", secret);
  const std::string salt =
      absl::BytesToHexString(bytes.substr(kIdBytes + kSecretBytes));
  token.hash = absl::StrCat(kHashPrefix, salt, ":", Digest(salt, token.text));
  return token;
}

std::optional<absl::string_view> TokenId(absl::string_view text) {
  if (text.size() != kTokenBytes || !absl::ConsumePrefix(&text, kTokenPrefix) ||
      text[2 * kIdBytes] != '_' ||
      !IsHex(text.substr(0, 2 * kIdBytes), 2 * kIdBytes)) {
    return std::nullopt;
  }
  return text.substr(0, 2 * kIdBytes);
}

bool IsTokenHash(absl::string_view hash) { return !Parts(hash).first.empty(); }

bool MatchesHash(absl::string_view text, absl::string_view hash) {
  const auto [salt, digest] = Parts(hash);
  const std::string own = Digest(salt, text);
  return own.size() == digest.size() &&
         CRYPTO_memcmp(own.data(), digest.data(), own.size()) == 0;
}

}  // namespace taud::auth
