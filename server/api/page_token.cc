#include "server/api/page_token.h"

#include <cinttypes>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "server/rpc/errors.h"

namespace taud::server {

uint64_t RequestFingerprint(const v1::RecommendRequest& request) {
  v1::RecommendRequest same = request;
  same.clear_k();
  same.clear_page_token();
  // FNV-1a: it guards against mistakes, not against forgers.
  uint64_t hash = 14695981039346656037u;
  for (const char c : same.SerializeAsString()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

std::string EncodePageToken(const PageToken& token) {
  return absl::StrFormat("%x.%x.%x", token.version, token.offset,
                         token.request);
}

absl::StatusOr<PageToken> DecodePageToken(const std::string& text,
                                          uint64_t request) {
  PageToken token;
  uint64_t offset = 0;
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "%" SCNx64 ".%" SCNx64 ".%" SCNx64 "%n",
                  &token.version, &offset, &token.request, &end);
  if (read != 3 || static_cast<size_t>(end) != text.size() ||
      token.version == 0 || offset > kMaxPagedItems) {
    return FieldError("page_token", "is not one this server gave");
  }
  if (token.request != request) {
    return FieldError("page_token",
                      "belongs to another request; all but k must be the same");
  }
  token.offset = offset;
  return token;
}

}  // namespace taud::server
