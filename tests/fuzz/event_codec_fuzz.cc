// Every decoder of the log's records; what is decoded encodes to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/check.h"
#include "store/log/event_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::store;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  taud::model::Interaction event;
  std::string_view id;
  std::string again;
  if (DecodeEvent(value, &event, &id).ok()) {
    EncodeEvent(event, id, &again);
    TAUD_CHECK(again == value);
  }
  again.clear();
  if (const auto record = DecodeItemRecord(value); record.ok()) {
    EncodeItemRecord(*record, &again);
    TAUD_CHECK(DecodeItemRecord(again).ok());
  }
  again.clear();
  if (const auto name = DecodeName(value); name.ok() && !name->empty()) {
    EncodeName(*name, &again);
    TAUD_CHECK(again == value);
  }
  if (const auto record = DecodeEventId(value); record.ok()) {
    const auto bytes = EncodeEventId(*record);
    TAUD_CHECK(std::string_view(bytes.data(), bytes.size()) == value);
  }
  if (const auto record = DecodeStream(value); record.ok()) {
    const auto bytes = EncodeStream(*record);
    TAUD_CHECK(std::string_view(bytes.data(), bytes.size()) == value);
  }
  if (const auto record = DecodeErasure(value); record.ok()) {
    const auto bytes = EncodeErasure(*record);
    TAUD_CHECK(std::string_view(bytes.data(), bytes.size()) == value);
  }
  (void)DecodeSequenceKey(value);
  (void)DecodeIndexKey(value);
  (void)AcceptedMsOf(value);
  return 0;
}
