#include "store/log/event_codec.h"

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace taud::store {
namespace {

constexpr char kFormat = 1;
constexpr char kEventWithId = 2;
constexpr char kItemWithProperties = 2;
constexpr char kErased = 2;
constexpr uint8_t kHiddenFlag = 1;

template <typename T>
void PutBigEndian(T value, char* out) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

template <typename T>
T GetBigEndian(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8) | static_cast<unsigned char>(in[i]);
  }
  return value;
}

// Little-endian, for integers and floats of the same size.
template <typename T>
void Put(T value, char* out) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  static_assert(sizeof(T) == sizeof(Bits));
  Bits bits;
  std::memcpy(&bits, &value, sizeof(bits));
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(bits >> (8 * i));
  }
}

template <typename T>
T Get(const char* in) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  static_assert(sizeof(T) == sizeof(Bits));
  Bits bits = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    bits |= static_cast<Bits>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  T value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

template <typename T>
void Append(T value, std::string* out) {
  char bytes[sizeof(T)];
  Put(value, bytes);
  out->append(bytes, sizeof(bytes));
}

void AppendString(std::string_view text, std::string* out) {
  Append(static_cast<uint32_t>(text.size()), out);
  out->append(text);
}

// Reads fields off the front of a value; one failed read fails all later.
class FieldReader {
 public:
  explicit FieldReader(std::string_view rest) : rest_(rest) {}

  template <typename T>
  T Read() {
    if (!Take(sizeof(T))) return T{};
    return Get<T>(taken_.data());
  }
  uint8_t ReadByte() {
    return Take(1) ? static_cast<uint8_t>(taken_[0]) : uint8_t{0};
  }
  std::string_view ReadString() {
    const auto size = Read<uint32_t>();
    return Take(size) ? taken_ : std::string_view();
  }
  bool failed() const { return failed_; }
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  bool Take(size_t n) {
    failed_ = failed_ || n > rest_.size();
    if (failed_) return false;
    taken_ = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return true;
  }

  std::string_view rest_;
  std::string_view taken_;
  bool failed_ = false;
};

absl::Status CheckFixed(std::string_view value, size_t size, const char* what) {
  if (value.size() == size && value[0] == kFormat) return absl::OkStatus();
  if (value.empty())
    return absl::DataLossError(absl::StrCat(what, " is empty"));
  if (value[0] != kFormat) {
    return absl::DataLossError(absl::StrCat(
        what, " has unknown format ", static_cast<unsigned char>(value[0])));
  }
  return absl::DataLossError(
      absl::StrCat(what, " has ", value.size(), " bytes, expected ", size));
}

absl::Status CheckKey(std::string_view key, size_t size) {
  if (key.size() == size) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("key has ", key.size(), " bytes, expected ", size));
}

}  // namespace

SequenceKey EncodeSequenceKey(model::Sequence sequence) {
  SequenceKey key;
  PutBigEndian(sequence, key.data());
  return key;
}

absl::StatusOr<model::Sequence> DecodeSequenceKey(std::string_view key) {
  absl::Status status = CheckKey(key, kSequenceKeyBytes);
  if (!status.ok()) return status;
  return GetBigEndian<uint64_t>(key.data());
}

IndexKey EncodeIndexKey(uint32_t index) {
  IndexKey key;
  PutBigEndian(index, key.data());
  return key;
}

absl::StatusOr<uint32_t> DecodeIndexKey(std::string_view key) {
  absl::Status status = CheckKey(key, kIndexKeyBytes);
  if (!status.ok()) return status;
  return GetBigEndian<uint32_t>(key.data());
}

EventIdKey HashEventId(std::string_view event_id, uint64_t seed) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(event_id.data(), event_id.size(), seed);
  EventIdKey key;
  PutBigEndian<uint64_t>(hash.high64, key.data());
  PutBigEndian<uint64_t>(hash.low64, key.data() + 8);
  return key;
}

void EncodeEvent(const model::Interaction& event, std::string_view event_id,
                 std::string* value) {
  std::array<char, kEventBytes> fixed;
  fixed[0] = event_id.empty() ? kFormat : kEventWithId;
  Put(event.user, &fixed[1]);
  Put(event.item, &fixed[5]);
  Put(event.time_ms, &fixed[9]);
  Put(event.weight, &fixed[17]);
  fixed[21] = static_cast<char>(event.kind);
  value->append(fixed.data(), fixed.size());
  value->append(event_id);
}

absl::Status DecodeEvent(std::string_view value, model::Interaction* event,
                         std::string_view* event_id) {
  std::string_view id;
  if (!value.empty() && value[0] == kEventWithId) {
    if (value.size() <= kEventBytes ||
        value.size() > kEventBytes + model::kMaxIdBytes) {
      return absl::DataLossError(
          absl::StrCat("event with an id has ", value.size(), " bytes"));
    }
    id = value.substr(kEventBytes);
  } else {
    absl::Status status = CheckFixed(value, kEventBytes, "event");
    if (!status.ok()) return status;
  }
  event->user = Get<uint32_t>(&value[1]);
  event->item = Get<uint32_t>(&value[5]);
  event->time_ms = Get<int64_t>(&value[9]);
  event->weight = Get<float>(&value[17]);
  const auto kind = static_cast<uint8_t>(value[21]);
  if (kind < 1 || kind > model::kNumInteractionKinds) {
    return absl::DataLossError(
        absl::StrCat("event.kind is ", static_cast<int>(kind)));
  }
  if (!(event->weight > 0 && event->weight <= model::kMaxInteractionWeight)) {
    return absl::DataLossError(absl::StrCat("event.weight is ", event->weight));
  }
  event->kind = static_cast<model::InteractionKind>(kind);
  if (event_id != nullptr) *event_id = id;
  return absl::OkStatus();
}

std::array<char, kEventIdBytes> EncodeEventId(const EventIdRecord& record) {
  std::array<char, kEventIdBytes> value;
  value[0] = kFormat;
  Put(record.sequence, &value[1]);
  Put(record.accepted_ms, &value[9]);
  return value;
}

absl::StatusOr<EventIdRecord> DecodeEventId(std::string_view value) {
  absl::Status status = CheckFixed(value, kEventIdBytes, "event id record");
  if (!status.ok()) return status;
  return EventIdRecord{Get<uint64_t>(&value[1]), Get<int64_t>(&value[9])};
}

std::array<char, kStreamBytes> EncodeStream(const StreamRecord& record) {
  std::array<char, kStreamBytes> value;
  value[0] = kFormat;
  Put(record.position, &value[1]);
  Put(record.sequence, &value[9]);
  Put(record.accepted_ms, &value[17]);
  return value;
}

absl::StatusOr<StreamRecord> DecodeStream(std::string_view value) {
  absl::Status status = CheckFixed(value, kStreamBytes, "stream record");
  if (!status.ok()) return status;
  return StreamRecord{Get<uint64_t>(&value[1]), Get<uint64_t>(&value[9]),
                      Get<int64_t>(&value[17])};
}

std::array<char, kErasureBytes> EncodeErasure(const ErasureRecord& record) {
  std::array<char, kErasureBytes> value;
  value[0] = kFormat;
  value[1] = static_cast<char>(record.subject);
  Put(record.index, &value[2]);
  Put(record.requested_ms, &value[6]);
  Put(record.sequence, &value[14]);
  Put(record.interactions, &value[22]);
  for (size_t c = 0; c < kNumErasedCopies; ++c) {
    Put(record.gone_ms[c], &value[30 + 8 * c]);
  }
  Put(record.serving_version, &value[70]);
  return value;
}

absl::StatusOr<ErasureRecord> DecodeErasure(std::string_view value) {
  absl::Status status = CheckFixed(value, kErasureBytes, "erasure record");
  if (!status.ok()) return status;
  ErasureRecord record;
  const auto subject = static_cast<uint8_t>(value[1]);
  if (subject != 1 && subject != 2) {
    return absl::DataLossError(
        absl::StrCat("erasure.subject is ", static_cast<int>(subject)));
  }
  record.subject = static_cast<ErasureSubject>(subject);
  record.index = Get<uint32_t>(&value[2]);
  record.requested_ms = Get<int64_t>(&value[6]);
  record.sequence = Get<uint64_t>(&value[14]);
  record.interactions = Get<uint64_t>(&value[22]);
  for (size_t c = 0; c < kNumErasedCopies; ++c) {
    record.gone_ms[c] = Get<int64_t>(&value[30 + 8 * c]);
  }
  record.serving_version = Get<uint64_t>(&value[70]);
  return record;
}

std::optional<int64_t> AcceptedMsOf(std::string_view value) {
  if (value.size() != kEventIdBytes && value.size() != kStreamBytes) return {};
  if (value[0] != kFormat) return {};
  return Get<int64_t>(&value[value.size() - 8]);
}

std::string_view ErasedName() { return std::string_view(&kErased, 1); }

void EncodeName(std::string_view id, std::string* value) {
  value->push_back(kFormat);
  value->append(id);
}

absl::StatusOr<std::string_view> DecodeName(std::string_view value) {
  if (value.empty()) return absl::DataLossError("id is empty");
  if (value == ErasedName()) return std::string_view();
  if (value[0] != kFormat) {
    return absl::DataLossError(absl::StrCat(
        "id has unknown format ", static_cast<unsigned char>(value[0])));
  }
  value.remove_prefix(1);
  if (value.empty() || value.size() > model::kMaxIdBytes) {
    return absl::DataLossError(absl::StrCat(
        "id has ", value.size(), " bytes, expected 1 to ", model::kMaxIdBytes));
  }
  return value;
}

void EncodeItemRecord(const model::ItemRecord& record, std::string* value) {
  const bool has_properties = !record.properties.empty();
  value->push_back(has_properties ? kItemWithProperties : kFormat);
  value->push_back(static_cast<char>(record.hidden ? kHiddenFlag : 0));
  Append(record.available_from_ms, value);
  Append(record.available_until_ms, value);
  AppendString(record.title, value);
  Append(static_cast<uint32_t>(record.tags.size()), value);
  for (const std::string& tag : record.tags) AppendString(tag, value);
  if (!has_properties) return;
  std::string packed;
  model::PackProperties(record.properties, &packed);
  AppendString(packed, value);
}

absl::StatusOr<model::ItemRecord> DecodeItemRecord(std::string_view value) {
  FieldReader reader(value);
  const uint8_t format = reader.ReadByte();
  if (!reader.failed() && format != kFormat && format != kItemWithProperties) {
    return absl::DataLossError(absl::StrCat("item record has unknown format ",
                                            static_cast<int>(format)));
  }
  model::ItemRecord record;
  record.hidden = (reader.ReadByte() & kHiddenFlag) != 0;
  record.available_from_ms = reader.Read<int64_t>();
  record.available_until_ms = reader.Read<int64_t>();
  record.title = std::string(reader.ReadString());
  const auto tags = reader.Read<uint32_t>();
  // A damaged count ends at the first failed read, not after 2³² tags.
  for (uint32_t t = 0; t < tags && !reader.failed(); ++t) {
    record.tags.emplace_back(reader.ReadString());
  }
  if (format == kItemWithProperties && !reader.failed()) {
    const std::string_view packed = reader.ReadString();
    auto properties = model::UnpackProperties(
        absl::string_view(packed.data(), packed.size()));
    if (!properties.ok()) return properties.status();
    record.properties = *std::move(properties);
  }
  if (reader.complete()) return record;
  return absl::DataLossError(absl::StrCat("item record of ", value.size(),
                                          " bytes is truncated or too long"));
}

void EncodeUserProperties(const model::Properties& properties,
                          std::string* value) {
  value->push_back(kFormat);
  model::PackProperties(properties, value);
}

absl::StatusOr<model::Properties> DecodeUserProperties(std::string_view value) {
  if (value.empty() || value[0] != kFormat) {
    return absl::DataLossError("properties of a user have an unknown format");
  }
  return model::UnpackProperties(
      absl::string_view(value.data() + 1, value.size() - 1));
}

}  // namespace taud::store
