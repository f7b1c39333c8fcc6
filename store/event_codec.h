#ifndef TAUD_STORE_EVENT_CODEC_H_
#define TAUD_STORE_EVENT_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/catalogue.h"
#include "model/types.h"

namespace taud::store {

// The keys and values of the event store's column families. Every value
// begins with a format byte, so that a record can change while old ones are
// still read. Keys are big-endian, so that their order is the numbers'; the
// rest is little-endian.
//
//   family     key               value
//   events     u64 sequence      1, u32 user, u32 item, i64 time_ms,
//                                f32 weight, u8 kind
//   event_ids  the event id      1, u64 sequence, i64 accepted_ms
//   users      u32 index         1, the id's bytes
//   items      u32 index         1, the id's bytes
//   catalogue  u32 item index    1, u8 flags (bit 0: hidden), i64 from,
//                                i64 until, string title, u32 n, n × string
//                                (a string is u32 length, bytes)
//   meta       a name            depends on the name
//
// Decoders trust nothing: a wrong length, format byte or value is DATA_LOSS
// saying what is wrong; the caller adds where. Pure functions, thread-safe.

inline constexpr size_t kSequenceKeyBytes = 8;
inline constexpr size_t kIndexKeyBytes = 4;
inline constexpr size_t kEventBytes = 22;
inline constexpr size_t kEventIdBytes = 17;

using SequenceKey = std::array<char, kSequenceKeyBytes>;
using IndexKey = std::array<char, kIndexKeyBytes>;

SequenceKey EncodeSequenceKey(model::Sequence sequence);
absl::StatusOr<model::Sequence> DecodeSequenceKey(std::string_view key);

IndexKey EncodeIndexKey(uint32_t index);
absl::StatusOr<uint32_t> DecodeIndexKey(std::string_view key);

// The sequence is the key's and not part of the value.
std::array<char, kEventBytes> EncodeEvent(const model::Interaction& event);
absl::Status DecodeEvent(std::string_view value, model::Interaction* event);

// What is remembered of an event id: the event it belongs to, and when it was
// accepted by the store's clock, so that a window can expire it.
struct EventIdRecord {
  model::Sequence sequence = 0;
  int64_t accepted_ms = 0;
};
std::array<char, kEventIdBytes> EncodeEventId(const EventIdRecord& record);
absl::StatusOr<EventIdRecord> DecodeEventId(std::string_view value);

// Appends to *value, so that a buffer can be used again.
void EncodeName(std::string_view id, std::string* value);
// A view into `value`.
absl::StatusOr<std::string_view> DecodeName(std::string_view value);

void EncodeItemRecord(const model::ItemRecord& record, std::string* value);
absl::StatusOr<model::ItemRecord> DecodeItemRecord(std::string_view value);

}  // namespace taud::store

#endif  // TAUD_STORE_EVENT_CODEC_H_
