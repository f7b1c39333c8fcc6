#ifndef TAUD_SERVER_API_VALIDATION_H_
#define TAUD_SERVER_API_VALIDATION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/dictionary.h"
#include "server/serving/recommender.h"
#include "store/log/event_store.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"
#include "taud/v1/types.pb.h"

// From what a stranger sent to what the rooms take: every limit of the API is
// checked here. Errors are INVALID_ARGUMENT with the field, the value and
// what is allowed (rpc/errors.h). Pure; any thread.

namespace taud::server {

inline constexpr size_t kMaxBatch = 10000;  // interactions, items
inline constexpr size_t kMaxUsersPerBatch = 1000;
inline constexpr size_t kMaxResultsPerBatch = 100000;  // users × k
inline constexpr int kMaxK = 1000;
inline constexpr size_t kMaxContextItems = 1000;
inline constexpr size_t kMaxExcludedIds = 10000;
inline constexpr size_t kMaxFilterTags = 64;
inline constexpr size_t kMaxBoosts = 16;
inline constexpr float kMaxExploration = 0.5f;
inline constexpr int64_t kMaxFutureMs = 24 * 3600 * 1000;

// 1–256 bytes of UTF-8. (Protobuf has checked the UTF-8 of a parsed message;
// it is checked again because an id is for ever.)
absl::Status CheckId(absl::string_view field, absl::string_view id);

// A time or weight of 0 takes its default; `now_ms` is the server's clock.
absl::StatusOr<store::NewInteraction> CheckInteraction(
    const v1::Interaction& interaction, int64_t now_ms);

absl::StatusOr<store::NewItem> CheckItem(const v1::Item& item);

absl::Status CheckK(int32_t k);

// Unknown ids are dropped: they exclude nothing.
absl::StatusOr<ItemFilter> CheckFilter(const v1::Filter& filter,
                                       const model::Dictionary& items);

// Rules of a request. Tags, amounts and weights within their limits.
absl::StatusOr<RankingRules> CheckRules(const v1::Rules& rules);

// The share of random items. A seed of 0 is replaced by a new one.
absl::StatusOr<v1::Exploration> CheckExploration(
    const v1::Exploration& exploration);

// Context ids to indices, unknown ones dropped.
absl::StatusOr<std::vector<model::ItemIndex>> CheckContext(
    const google::protobuf::RepeatedPtrField<std::string>& ids,
    const model::Dictionary& items);

// UNAVAILABLE if `after` lies beyond what is in memory while the log is still
// being read (`replaying`), FAILED_PRECONDITION if it lies beyond the log.
absl::Status CheckAfterSequence(uint64_t after, model::Sequence last,
                                bool replaying);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_VALIDATION_H_
