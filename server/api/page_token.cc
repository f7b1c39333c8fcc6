#include "server/api/page_token.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Bytes of a token, before they are made text: kFormat, the fingerprint (8),
// the gaps between the items as varints, and a checksum (4), little-endian.
constexpr char kFormat = 2;
constexpr size_t kFingerprintBytes = 8;
constexpr size_t kChecksumBytes = 4;
constexpr size_t kFixedBytes = 1 + kFingerprintBytes + kChecksumBytes;

// FNV-1a: it guards against mistakes, not against forgers.
uint64_t Hash(absl::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

void AppendFixed(uint64_t value, size_t bytes, std::string* to) {
  for (size_t b = 0; b < bytes; ++b) {
    to->push_back(static_cast<char>(value >> (8 * b)));
  }
}

uint64_t ReadFixed(absl::string_view from) {
  uint64_t value = 0;
  for (size_t b = from.size(); b-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(from[b]);
  }
  return value;
}

void AppendVarint(uint64_t value, std::string* to) {
  for (; value >= 0x80; value >>= 7) {
    to->push_back(static_cast<char>(value | 0x80));
  }
  to->push_back(static_cast<char>(value));
}

// Takes one off the front; nothing if it is cut or larger than 32 bits.
std::optional<uint32_t> TakeVarint(absl::string_view* from) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35 && !from->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from->front());
    from->remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte >= 0x80) continue;
    if (value > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(value);
  }
  return std::nullopt;
}

}  // namespace

absl::Status NotAPageToken() {
  return FieldError("page_token", "is not one this server gave");
}

uint64_t Fingerprint(const google::protobuf::Message& message) {
  // Maps in one order.
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return Hash(bytes);
}

uint64_t RequestFingerprint(const v1::RecommendRequest& request) {
  v1::RecommendRequest same = request;
  same.clear_k();
  same.clear_page_token();
  return Fingerprint(same);
}

std::string EncodePageToken(const PageToken& token) {
  std::string bytes(1, kFormat);
  AppendFixed(token.request, kFingerprintBytes, &bytes);
  // Distinct items: the gap to the next one is never 0, so one is taken off.
  uint64_t next = 0;
  for (const model::ItemIndex item : token.given) {
    AppendVarint(item - next, &bytes);
    next = uint64_t{item} + 1;
  }
  AppendFixed(Hash(bytes), kChecksumBytes, &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<PageToken> DecodePageToken(const std::string& text,
                                          uint64_t request, size_t num_items) {
  std::string bytes;
  if (text.size() > kMaxPageTokenBytes ||
      !absl::WebSafeBase64Unescape(text, &bytes) ||
      bytes.size() < kFixedBytes || bytes[0] != kFormat) {
    return NotAPageToken();
  }
  absl::string_view rest = bytes;
  const uint64_t checksum =
      ReadFixed(rest.substr(rest.size() - kChecksumBytes));
  rest.remove_suffix(kChecksumBytes);
  if (checksum != (Hash(rest) & UINT32_MAX)) return NotAPageToken();
  PageToken token;
  token.request = ReadFixed(rest.substr(1, kFingerprintBytes));
  rest.remove_prefix(1 + kFingerprintBytes);
  uint64_t next = 0;
  while (!rest.empty()) {
    const auto gap = TakeVarint(&rest);
    if (!gap.has_value() || next + *gap >= num_items ||
        token.given.size() == kMaxPagedItems) {
      return NotAPageToken();
    }
    token.given.push_back(static_cast<model::ItemIndex>(next + *gap));
    next += uint64_t{*gap} + 1;
  }
  if (token.request != request) {
    return FieldError("page_token",
                      "belongs to another request; all but k must be the same");
  }
  return token;
}

}  // namespace taud::server
