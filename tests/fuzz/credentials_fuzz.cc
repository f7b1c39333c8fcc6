// The tokens file, and what is presented as a token: whoever is let in by a
// line is one that the line names, and what was read is read again the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "auth/credentials.h"
#include "auth/token.h"
#include "model/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::auth;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::Time now = absl::FromUnixSeconds(1800000000);
  const auto table = CredentialTable::Parse(text, "fuzz");
  if (!table.ok()) {
    TAUD_CHECK(!table.status().message().empty());
  } else {
    for (const Credential& one : table->all()) {
      TAUD_CHECK(!one.name.empty() && !one.roles.empty());
      const auto again = CredentialTable::Parse(CredentialLine(one), "again");
      TAUD_CHECK(again.ok() && again->all().size() == 1);
      TAUD_CHECK(again->all()[0].key() == one.key());
      TAUD_CHECK(again->all()[0].roles == one.roles);
    }
    // Nobody has its secret.
    TAUD_CHECK(!table->ByToken(text, now).ok());
  }
  if (IsTokenHash(text)) TAUD_CHECK(!MatchesHash("guess", text));
  const auto id = TokenId(text);
  TAUD_CHECK(!id.has_value() || id->size() == 12);
  return 0;
}
