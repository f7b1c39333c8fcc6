// What EventDb writes: groups and erasures, each whole or not at all, synced.

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "rocksdb/write_batch.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_records.h"
#include "store/log/rocksdb_status.h"

namespace taud::store {
namespace {

// An arrival is noted so often: how exactly a retention by age can cut.
constexpr int64_t kArrivalEveryMs = 10 * 60 * 1000;

// Bytes of one event in a WriteBatch with keys and headers; a hint.
constexpr size_t kBatchBytesPerEvent = 48;

// Collects the puts of a group; remembers the first failure.
class Batch {
 public:
  explicit Batch(size_t bytes) : batch_(bytes) {}

  void Put(rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key,
           const rocksdb::Slice& value) {
    const rocksdb::Status status = batch_.Put(family, key, value);
    if (status_.ok()) status_ = status;
  }

  void Delete(rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key) {
    const rocksdb::Status status = batch_.Delete(family, key);
    if (status_.ok()) status_ = status;
  }

  const rocksdb::Status& status() const { return status_; }
  rocksdb::WriteBatch* get() { return &batch_; }

 private:
  rocksdb::WriteBatch batch_;
  rocksdb::Status status_;
};

void PutNames(const std::vector<std::string_view>& names, uint32_t first,
              rocksdb::ColumnFamilyHandle* family, Batch* batch) {
  std::string value;
  for (size_t i = 0; i < names.size(); ++i) {
    value.clear();
    EncodeName(names[i], &value);
    const IndexKey key = EncodeIndexKey(first + static_cast<uint32_t>(i));
    batch->Put(family, AsSlice(key), value);
  }
}

}  // namespace

absl::Status EventDb::Write(const GroupPlan& plan, int64_t now_ms) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  Batch batch(plan.events.size() * kBatchBytesPerEvent);
  PutNames(plan.new_users, plan.first_user, handle(Family::kUsers), &batch);
  PutNames(plan.new_items, plan.first_item, handle(Family::kItems), &batch);
  std::string value;
  for (const GroupPlan::Record& record : plan.records) {
    value.clear();
    EncodeItemRecord(record.record, &value);
    const IndexKey key = EncodeIndexKey(record.item);
    batch.Put(handle(Family::kCatalogue), AsSlice(key), value);
  }
  for (const GroupPlan::UserRecord& record : plan.user_records) {
    value.clear();
    EncodeUserProperties(record.properties, &value);
    const IndexKey key = EncodeIndexKey(record.user);
    batch.Put(handle(Family::kUserProperties), AsSlice(key), value);
  }
  EventIdRecord id_record;
  id_record.accepted_ms = now_ms;
  for (const GroupPlan::Event& event : plan.events) {
    const SequenceKey key = EncodeSequenceKey(event.interaction.sequence);
    value.clear();
    EncodeEvent(event.interaction, event.event_id, &value);
    batch.Put(handle(Family::kEvents), AsSlice(key), value);
    if (event.event_id.empty()) continue;
    id_record.sequence = event.interaction.sequence;
    batch.Put(handle(Family::kEventIds),
              AsSlice(HashEventId(event.event_id, id_seed_)),
              AsSlice(EncodeEventId(id_record)));
  }
  for (const auto& [stream, written] : plan.streams) {
    StreamRecord record = written;
    record.accepted_ms = now_ms;
    batch.Put(handle(Family::kStreams), AsSlice(HashEventId(stream, id_seed_)),
              AsSlice(EncodeStream(record)));
  }
  if (!plan.events.empty()) {
    const SequenceKey last = EncodeSequenceKey(plan.last_sequence);
    const SequenceKey now = EncodeSequenceKey(static_cast<uint64_t>(now_ms));
    batch.Put(handle(Family::kMeta), kLastSequenceKey, AsSlice(last));
    batch.Put(handle(Family::kMeta), kLastTimeKey, AsSlice(now));
    if (now_ms - last_arrival_ms_ >= kArrivalEveryMs) {
      const SequenceKey before =
          EncodeSequenceKey(plan.events.front().interaction.sequence - 1);
      batch.Put(handle(Family::kMeta),
                absl::StrCat(kArrivalPrefix,
                             absl::string_view(now.data(), now.size())),
                AsSlice(before));
      last_arrival_ms_ = now_ms;
    }
  }
  if (!batch.status().ok()) {
    return FromRocksDb(batch.status(), "gather a write", directory_);
  }
  TAUD_SYNC_POINT("log/before-write");
  return FromRocksDb(db_->Write(Synced(), batch.get()), "write", directory_);
}

absl::Status EventDb::WriteErasure(const Erasure& erasure) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  const bool user = erasure.record.subject == ErasureSubject::kUser;
  const IndexKey key = EncodeIndexKey(erasure.record.index);
  Batch batch(0);
  batch.Put(handle(user ? Family::kUsers : Family::kItems), AsSlice(key),
            AsSlice(ErasedName()));
  batch.Delete(handle(user ? Family::kUserProperties : Family::kCatalogue),
               AsSlice(key));
  batch.Put(handle(Family::kErasures), erasure.id,
            AsSlice(EncodeErasure(erasure.record)));
  if (!batch.status().ok()) {
    return FromRocksDb(batch.status(), "gather an erasure", directory_);
  }
  return FromRocksDb(db_->Write(Synced(), batch.get()), "write an erasure",
                     directory_);
}

absl::Status EventDb::WriteReceipt(const Erasure& erasure) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  return FromRocksDb(db_->Put(Synced(), handle(Family::kErasures), erasure.id,
                              AsSlice(EncodeErasure(erasure.record))),
                     "write a receipt", directory_);
}

}  // namespace taud::store
