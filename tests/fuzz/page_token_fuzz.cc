// What a page has given comes back from its token; a token of which a character
// was changed is refused, or is another good one; any text is one of both.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/check.h"
#include "server/api/page_token.h"

namespace {

using taud::server::DecodePageToken;
using taud::server::EncodePageToken;
using taud::server::PageToken;

constexpr size_t kItems = 1 << 20;

void CheckGiven(const PageToken& token) {
  TAUD_CHECK(token.given.size() <= taud::server::kMaxPagedItems);
  for (size_t i = 0; i < token.given.size(); ++i) {
    TAUD_CHECK(token.given[i] < kItems);
    TAUD_CHECK(i == 0 || token.given[i - 1] < token.given[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  PageToken token;
  token.request = data[0];
  uint32_t item = 0;
  for (size_t i = 3; i < size && token.given.size() < 1000; ++i) {
    item += 1 + data[i] * (i % 7 == 0 ? 1000u : 1u);
    if (item >= kItems) break;
    token.given.push_back(item);
  }
  std::string text = EncodePageToken(token);
  const auto same = DecodePageToken(text, token.request, kItems);
  TAUD_CHECK(same.ok() && same->given == token.given);
  TAUD_CHECK(!DecodePageToken(text, token.request + 1, kItems).ok());

  text[data[1] % text.size()] = static_cast<char>(data[2]);
  const auto changed = DecodePageToken(text, token.request, kItems);
  if (changed.ok()) CheckGiven(*changed);

  const std::string any(reinterpret_cast<const char*>(data), size);
  const auto forged = DecodePageToken(any, token.request, kItems);
  if (forged.ok()) CheckGiven(*forged);
  return 0;
}
