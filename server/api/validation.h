#ifndef TAUD_SERVER_API_VALIDATION_H_
#define TAUD_SERVER_API_VALIDATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/field_mask.pb.h"
#include "model/dictionary.h"
#include "model/expression.h"
#include "server/api/unknown_names.h"
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

// Times before this are seconds that were taken for milliseconds: March 1973.
inline constexpr int64_t kMinTimeMs = 100000000000;

// `text` has min_bytes to max_bytes bytes of UTF-8.
absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t min_bytes, size_t max_bytes);

// 1–256 bytes of UTF-8. (Protobuf has checked the UTF-8 of a parsed message;
// it is checked again because an id is for ever.)
absl::Status CheckId(absl::string_view field, absl::string_view id);

// 1 to kMaxBatch interactions.
absl::Status CheckBatchSize(size_t interactions);

// A time or weight of 0 takes its default; `now_ms` is the server's clock.
absl::StatusOr<store::NewInteraction> CheckInteraction(
    const v1::Interaction& interaction, int64_t now_ms,
    v1::TimeUnit unit = v1::TIME_UNIT_MILLISECONDS);

// Whether an interaction that is all right weighs no more than its caller may
// write: `max_weight` of the caller's limits (auth::Limits), 0 if there is
// none.
absl::Status CheckCallersWeight(float weight, double max_weight);

// Which fields a mask names; nothing if it names none: then the fields that are
// set are written.
absl::StatusOr<std::optional<store::ItemMask>> CheckItemMask(
    const google::protobuf::FieldMask& mask);
absl::StatusOr<std::optional<store::PropertyMask>> CheckUserMask(
    const google::protobuf::FieldMask& mask);

absl::StatusOr<store::NewItem> CheckItem(
    const v1::Item& item,
    const std::optional<store::ItemMask>& mask = std::nullopt);
absl::StatusOr<store::NewUser> CheckUser(
    const v1::User& user,
    const std::optional<store::PropertyMask>& mask = std::nullopt);

// Null for an empty text.
absl::StatusOr<std::shared_ptr<const model::Expression>> CheckExpression(
    absl::string_view field, const std::string& text);

absl::Status CheckK(int32_t k);

// Unknown ids are dropped: they exclude nothing. They, and unknown tags and
// properties, are added to *unknown, which may be null.
absl::StatusOr<ItemFilter> CheckFilter(const v1::Filter& filter,
                                       const model::Dictionary& items,
                                       UnknownNames* unknown = nullptr);

// Rules of a request. Tags, amounts and weights within their limits.
absl::StatusOr<RankingRules> CheckRules(const v1::Rules& rules,
                                        UnknownNames* unknown = nullptr);

// The share of random items. A seed of 0 is replaced by a new one.
absl::StatusOr<v1::Exploration> CheckExploration(
    const v1::Exploration& exploration);

// Context ids to indices, unknown ones dropped.
absl::StatusOr<std::vector<model::ItemIndex>> CheckContext(
    const google::protobuf::RepeatedPtrField<std::string>& ids,
    const model::Dictionary& items, UnknownNames* unknown = nullptr);

// UNAVAILABLE if `after` lies beyond what is in memory while the log is still
// being read (`replaying`), FAILED_PRECONDITION if it lies beyond the log.
absl::Status CheckAfterSequence(uint64_t after, model::Sequence last,
                                bool replaying);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_VALIDATION_H_
