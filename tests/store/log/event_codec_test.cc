#include "store/log/event_codec.h"

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

template <size_t N>
std::string AsString(const std::array<char, N>& bytes) {
  return std::string(bytes.data(), N);
}

model::Interaction SomeEvent() {
  model::Interaction event;
  event.time_ms = -5;
  event.user = 0x01020304;
  event.item = 0xfffffffe;
  event.weight = 0.25f;
  event.kind = model::InteractionKind::kDislike;
  return event;
}

std::string Encoded(const model::Interaction& event,
                    std::string_view event_id = "") {
  std::string value;
  EncodeEvent(event, event_id, &value);
  return value;
}

TEST(EventCodecTest, KeysSortLikeNumbers) {
  const std::vector<uint64_t> numbers = {0,
                                         1,
                                         255,
                                         256,
                                         65536,
                                         uint64_t{1} << 40,
                                         std::numeric_limits<uint64_t>::max()};
  std::string before;
  for (const uint64_t number : numbers) {
    const std::string key = AsString(EncodeSequenceKey(number));
    EXPECT_LT(before, key) << number;
    EXPECT_EQ(*DecodeSequenceKey(key), number);
    before = key;
  }
  EXPECT_LT(AsString(EncodeIndexKey(255)), AsString(EncodeIndexKey(256)));
  EXPECT_EQ(*DecodeIndexKey(AsString(EncodeIndexKey(0xfffffffe))), 0xfffffffeu);
}

TEST(EventCodecTest, KeysOfOtherLengthsAreDataLoss) {
  EXPECT_EQ(DecodeSequenceKey("1234567").status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeIndexKey("12345").status().code(),
            absl::StatusCode::kDataLoss);
}

// The layout is on users' disks: this is what version 1 wrote.
TEST(EventCodecTest, EventLayoutIsFixed) {
  const std::string expected(
      "\x01\x04\x03\x02\x01\xfe\xff\xff\xff\xfb\xff\xff\xff\xff\xff\xff\xff"
      "\x00\x00\x80\x3e\x05",
      22);
  EXPECT_EQ(Encoded(SomeEvent()), expected);
}

TEST(EventCodecTest, AnEventCarriesItsId) {
  const std::string value = Encoded(SomeEvent(), "order 7");
  model::Interaction event;
  std::string_view id;
  ASSERT_TRUE(DecodeEvent(value, &event, &id).ok());
  EXPECT_EQ(id, "order 7");
  EXPECT_EQ(event.item, 0xfffffffeu);
  ASSERT_TRUE(DecodeEvent(Encoded(SomeEvent()), &event, &id).ok());
  EXPECT_EQ(id, "");
  // One byte of an id at least, 256 at most.
  EXPECT_FALSE(DecodeEvent(value.substr(0, 22), &event, &id).ok());
  EXPECT_FALSE(DecodeEvent(value + std::string(256, 'x'), &event, &id).ok());
}

TEST(EventCodecTest, EventIdsAreHashedWithTheSeed) {
  EXPECT_EQ(HashEventId("a", 1), HashEventId("a", 1));
  EXPECT_NE(HashEventId("a", 1), HashEventId("a", 2));
  EXPECT_NE(HashEventId("a", 1), HashEventId("b", 1));
}

TEST(EventCodecTest, StreamsErasuresAndErasedNames) {
  const auto stream = EncodeStream({5, 77, 1234});
  const std::string stream_value(stream.data(), stream.size());
  ASSERT_TRUE(DecodeStream(stream_value).ok());
  EXPECT_EQ(DecodeStream(stream_value)->position, 5u);
  EXPECT_EQ(DecodeStream(stream_value)->sequence, 77u);
  EXPECT_EQ(AcceptedMsOf(stream_value), 1234);
  EXPECT_FALSE(DecodeStream(stream_value.substr(1)).ok());
  EXPECT_EQ(AcceptedMsOf("something else"), std::nullopt);

  ErasureRecord record;
  record.subject = ErasureSubject::kItem;
  record.index = 9;
  record.requested_ms = 11;
  record.sequence = 12;
  record.interactions = 13;
  record.gone(ErasedCopy::kSnapshots) = 14;
  record.serving_version = 15;
  const auto erasure = EncodeErasure(record);
  const std::string erasure_value(erasure.data(), erasure.size());
  const auto decoded = DecodeErasure(erasure_value);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->subject, ErasureSubject::kItem);
  EXPECT_EQ(decoded->index, 9u);
  EXPECT_EQ(decoded->interactions, 13u);
  EXPECT_EQ(decoded->gone_ms, record.gone_ms);
  EXPECT_EQ(decoded->serving_version, 15u);
  EXPECT_FALSE(decoded->complete());
  std::string bad = erasure_value;
  bad[1] = 3;
  EXPECT_FALSE(DecodeErasure(bad).ok());

  ASSERT_TRUE(DecodeName(ErasedName()).ok());
  EXPECT_TRUE(DecodeName(ErasedName())->empty());
}

TEST(EventCodecTest, EventRoundTrip) {
  const std::string value = Encoded(SomeEvent());
  model::Interaction event;
  ASSERT_TRUE(DecodeEvent(value, &event, nullptr).ok());
  EXPECT_EQ(event.time_ms, -5);
  EXPECT_EQ(event.user, 0x01020304u);
  EXPECT_EQ(event.item, 0xfffffffeu);
  EXPECT_EQ(event.weight, 0.25f);
  EXPECT_EQ(event.kind, model::InteractionKind::kDislike);
}

TEST(EventCodecTest, DamagedEventsAreDataLoss) {
  const std::string good = Encoded(SomeEvent());
  std::string other_format = good;
  other_format[0] = 9;
  std::string kind_zero = good;
  kind_zero[21] = 0;
  std::string kind_seven = good;
  kind_seven[21] = 7;
  std::string nan = good;
  nan.replace(17, 4, std::string("\x00\x00\xc0\x7f", 4));
  const struct {
    std::string value;
    const char* message;
  } cases[] = {
      {"", "empty"},
      {good.substr(0, 21), "21 bytes, expected 22"},
      {good + "x", "23 bytes, expected 22"},
      {other_format, "unknown format 9"},
      {kind_zero, "kind is 0"},
      {kind_seven, "kind is 7"},
      {nan, "weight is nan"},
  };
  for (const auto& c : cases) {
    model::Interaction event;
    const absl::Status status = DecodeEvent(c.value, &event, nullptr);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

TEST(EventCodecTest, EventIdRoundTripAndDamage) {
  const std::string value = AsString(EncodeEventId({77, -1}));
  ASSERT_TRUE(DecodeEventId(value).ok());
  EXPECT_EQ(DecodeEventId(value)->sequence, 77u);
  EXPECT_EQ(DecodeEventId(value)->accepted_ms, -1);
  EXPECT_FALSE(DecodeEventId(value.substr(1)).ok());
  EXPECT_FALSE(DecodeEventId("").ok());
}

TEST(EventCodecTest, NameRoundTripAndDamage) {
  for (const std::string& id : {std::string("a"), std::string(256, 'x'),
                                std::string("ключ"), std::string("a\0b", 3)}) {
    std::string value;
    EncodeName(id, &value);
    ASSERT_TRUE(DecodeName(value).ok());
    EXPECT_EQ(*DecodeName(value), id);
  }
  EXPECT_FALSE(DecodeName("").ok());
  EXPECT_FALSE(DecodeName("\x01").ok());
  EXPECT_FALSE(DecodeName("\x02id").ok());
  EXPECT_FALSE(DecodeName("\x01" + std::string(257, 'x')).ok());
}

model::ItemRecord SomeRecord() {
  model::ItemRecord record;
  record.title = "Ein Märchen";
  record.tags = {"drama", "über"};
  record.hidden = true;
  record.available_from_ms = -1;
  record.available_until_ms = 1700000000000;
  return record;
}

TEST(EventCodecTest, ItemRecordRoundTrip) {
  for (const model::ItemRecord& record : {SomeRecord(), model::ItemRecord{}}) {
    std::string value;
    EncodeItemRecord(record, &value);
    const absl::StatusOr<model::ItemRecord> decoded = DecodeItemRecord(value);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->title, record.title);
    EXPECT_EQ(decoded->tags, record.tags);
    EXPECT_EQ(decoded->hidden, record.hidden);
    EXPECT_EQ(decoded->available_from_ms, record.available_from_ms);
    EXPECT_EQ(decoded->available_until_ms, record.available_until_ms);
  }
}

TEST(EventCodecTest, EveryTruncationOfAnItemRecordIsDataLoss) {
  std::string value;
  EncodeItemRecord(SomeRecord(), &value);
  for (size_t n = 0; n < value.size(); ++n) {
    EXPECT_EQ(DecodeItemRecord(value.substr(0, n)).status().code(),
              absl::StatusCode::kDataLoss)
        << n;
  }
  EXPECT_FALSE(DecodeItemRecord(value + "x").ok());
}

TEST(EventCodecTest, HugeCountsOfADamagedItemRecordEnd) {
  std::string value;
  EncodeItemRecord(model::ItemRecord{}, &value);
  value.replace(value.size() - 4, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(DecodeItemRecord(value).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace taud::store
