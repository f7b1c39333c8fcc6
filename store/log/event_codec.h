#ifndef TAUD_STORE_LOG_EVENT_CODEC_H_
#define TAUD_STORE_LOG_EVENT_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/catalogue.h"
#include "model/property.h"
#include "model/types.h"
#include "store/log/erasure.h"

namespace taud::store {

// The keys and values of the event store's column families. Every value
// begins with a format byte, so that a record can change while old ones are
// still read. Keys are big-endian, so that their order is the numbers'; the
// rest is little-endian.
//
//   family     key               value
//   events     u64 sequence      1, u32 user, u32 item, i64 time_ms,
//                                f32 weight, u8 kind; or 2, the same, and the
//                                event id's bytes
//   event_ids  16 bytes: keyed   1, u64 sequence, i64 accepted_ms
//              hash of the id
//   streams    16 bytes: keyed   1, u64 position, u64 sequence,
//              hash of the id    i64 accepted_ms; with the id itself as the
//                                key while an older taud's is remembered
//   users      u32 index         1, the id's bytes; or 2: erased
//   items      u32 index         1, the id's bytes; or 2: erased
//   erasures   the erasure's id  1, u8 subject, u32 index, i64 requested_ms,
//                                u64 sequence, u64 interactions, 5 × i64 gone,
//                                u64 serving version
//   catalogue  u32 item index    1, u8 flags (bit 0: hidden), i64 from,
//                                i64 until, string title, u32 n, n × string
//                                (a string is u32 length, bytes); or 2, the
//                                same, string properties (model/property.h)
//   user_properties  u32 user    1, the properties' bytes
//   meta       a name            depends on the name
//
// Ids of events and streams are hashed because RocksDB copies keys into its
// manifest, where an erasure could not reach them, and clients make them of the
// ids of users.
//
// Decoders trust nothing: a wrong length, format byte or value is DATA_LOSS
// saying what is wrong; the caller adds where. Pure functions, thread-safe.

inline constexpr size_t kSequenceKeyBytes = 8;
inline constexpr size_t kIndexKeyBytes = 4;
inline constexpr size_t kEventBytes = 22;
inline constexpr size_t kEventIdKeyBytes = 16;
inline constexpr size_t kEventIdBytes = 17;
inline constexpr size_t kStreamBytes = 25;
inline constexpr size_t kErasureBytes = 78;

using SequenceKey = std::array<char, kSequenceKeyBytes>;
using IndexKey = std::array<char, kIndexKeyBytes>;
using EventIdKey = std::array<char, kEventIdKeyBytes>;

SequenceKey EncodeSequenceKey(model::Sequence sequence);
absl::StatusOr<model::Sequence> DecodeSequenceKey(std::string_view key);

IndexKey EncodeIndexKey(uint32_t index);
absl::StatusOr<uint32_t> DecodeIndexKey(std::string_view key);

// XXH3 with the directory's own random seed, so that nobody can make two ids
// collide on purpose.
EventIdKey HashEventId(std::string_view event_id, uint64_t seed);

// The sequence is the key's and not part of the value. Appends to *value.
void EncodeEvent(const model::Interaction& event, std::string_view event_id,
                 std::string* value);
// *event_id is a view into `value`, empty without one; it may be null.
absl::Status DecodeEvent(std::string_view value, model::Interaction* event,
                         std::string_view* event_id);

// What is remembered of an event id: the event it belongs to, and when it was
// accepted by the store's clock, so that a window can expire it.
struct EventIdRecord {
  model::Sequence sequence = 0;
  int64_t accepted_ms = 0;
};
std::array<char, kEventIdBytes> EncodeEventId(const EventIdRecord& record);
absl::StatusOr<EventIdRecord> DecodeEventId(std::string_view value);

// How far a client's stream has been written.
struct StreamRecord {
  uint64_t position = 0;         // the client's own counting
  model::Sequence sequence = 0;  // of the last interaction it wrote
  int64_t accepted_ms = 0;
};
std::array<char, kStreamBytes> EncodeStream(const StreamRecord& record);
absl::StatusOr<StreamRecord> DecodeStream(std::string_view value);

std::array<char, kErasureBytes> EncodeErasure(const ErasureRecord& record);
absl::StatusOr<ErasureRecord> DecodeErasure(std::string_view value);

// When the event ids and streams expire: the time in an event id's or a
// stream's record. Nothing for a value that is neither.
std::optional<int64_t> AcceptedMsOf(std::string_view value);

// Appends to *value, so that a buffer can be used again.
void EncodeName(std::string_view id, std::string* value);
// What stands for an id that was erased.
std::string_view ErasedName();
// A view into `value`; empty for an erased id.
absl::StatusOr<std::string_view> DecodeName(std::string_view value);

void EncodeItemRecord(const model::ItemRecord& record, std::string* value);
absl::StatusOr<model::ItemRecord> DecodeItemRecord(std::string_view value);

void EncodeUserProperties(const model::Properties& properties,
                          std::string* value);
absl::StatusOr<model::Properties> DecodeUserProperties(std::string_view value);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_CODEC_H_
