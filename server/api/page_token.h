#ifndef TAUD_SERVER_API_PAGE_TOKEN_H_
#define TAUD_SERVER_API_PAGE_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "model/types.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {

inline constexpr size_t kMaxPagedItems = 10000;
// Of a token's text: so many items, as gaps between indices, fit into it.
inline constexpr size_t kMaxPageTokenBytes = 48 << 10;

// What earlier pages gave, and for which request. The server remembers nothing
// of a scroll: it lasts as long as its reader likes, over any number of
// snapshots and restarts.
struct PageToken {
  uint64_t request = 0;                 // RequestFingerprint
  std::vector<model::ItemIndex> given;  // ascending, distinct
};

// Of all that a message says. Pure.
uint64_t Fingerprint(const google::protobuf::Message& message);

// What has to be the same on every page: all of the request but k and the
// token. Pure.
uint64_t RequestFingerprint(const v1::RecommendRequest& request);

// REQUIRES: at most kMaxPagedItems items.
std::string EncodePageToken(const PageToken& token);

// INVALID_ARGUMENT if `text` is not a token, or one of another request. Whoever
// forges one can leave items out of his own answer, as by Filter.exclude_ids,
// and nothing else. `num_items`: above every index that was given.
absl::StatusOr<PageToken> DecodePageToken(const std::string& text,
                                          uint64_t request, size_t num_items);
// What it says of a token that is none.
absl::Status NotAPageToken();

}  // namespace taud::server

#endif  // TAUD_SERVER_API_PAGE_TOKEN_H_
