#ifndef TAUD_SERVER_API_PAGE_TOKEN_H_
#define TAUD_SERVER_API_PAGE_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "model/types.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {

inline constexpr size_t kMaxPagedItems = 10000;

// Where the next page begins, of which snapshot, for which request.
struct PageToken {
  model::SnapshotVersion version = 0;
  size_t offset = 0;
  uint64_t request = 0;  // RequestFingerprint
};

// What has to be the same on every page: all of the request but k and the
// token. Pure.
uint64_t RequestFingerprint(const v1::RecommendRequest& request);

std::string EncodePageToken(const PageToken& token);

// INVALID_ARGUMENT if `text` is not a token, or one of another request.
absl::StatusOr<PageToken> DecodePageToken(const std::string& text,
                                          uint64_t request);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_PAGE_TOKEN_H_
