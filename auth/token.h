#ifndef TAUD_AUTH_TOKEN_H_
#define TAUD_AUTH_TOKEN_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::auth {

// Static tokens: "taud_ID_SECRET", where ID (12 hexadecimal digits) says which
// one it is and SECRET is 256 random bits. Of a token the daemon keeps a salted
// SHA-256 alone: against 256 random bits there is nothing that a slow hash
// would make harder to guess, nor a slow-down of wrong tries.
// Plain functions, any thread.
struct NewToken {
  std::string text;  // for its owner; kept nowhere
  std::string id;
  std::string hash;  // for the tokens file
};

// INTERNAL if the system has no random numbers.
absl::StatusOr<NewToken> MakeToken();

// Whether `text` could be a token, and its id if so.
std::optional<absl::string_view> TokenId(absl::string_view text);

// Whether `hash`, as of NewToken, is one.
bool IsTokenHash(absl::string_view hash);

// Whether `hash` is that of `text`; takes the same time whatever differs.
// REQUIRES: IsTokenHash(hash); false otherwise.
bool MatchesHash(absl::string_view text, absl::string_view hash);

// SHA-256 in hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace taud::auth

#endif  // TAUD_AUTH_TOKEN_H_
