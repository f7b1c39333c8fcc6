#include "store/log/event_migration.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "model/types.h"
#include "rocksdb/db.h"
#include "rocksdb/iterator.h"
#include "rocksdb/write_batch.h"
#include "spdlog/spdlog.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_records.h"
#include "store/log/rocksdb_status.h"

namespace taud::store {
namespace {

constexpr size_t kIdsPerWrite = 4096;

}  // namespace

absl::Status EventMigration::Run() {
  const auto format = db_.GetMeta(kFormatKey);
  if (!format.ok()) return format.status();
  const bool old = format->has_value() && **format == "1";
  if (!old && db_.legacy_ids_ == nullptr) return absl::OkStatus();
  if (db_.read_only_) {
    if (!old) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        db_.directory_,
        " has format 1; start taud on it once, which brings it to format ",
        kFormatVersion));
  }
  if (old) {
    spdlog::info("event store: bringing {} from format 1 to {}", db_.directory_,
                 kFormatVersion);
    absl::Status status = MoveEventIds();
    if (status.ok()) {
      status = db_.PutMeta(kFormatKey, absl::StrCat(kFormatVersion));
    }
    if (!status.ok()) return status;
  }
  if (db_.legacy_ids_ == nullptr) return absl::OkStatus();
  const rocksdb::Status dropped = db_.db_->DropColumnFamily(db_.legacy_ids_);
  return FromRocksDb(dropped, "drop the old event ids", db_.directory_);
}

absl::Status EventMigration::MoveEventIds() {
  if (db_.legacy_ids_ == nullptr) return absl::OkStatus();
  rocksdb::WriteOptions options;
  options.sync = true;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_.db_->NewIterator(rocksdb::ReadOptions(), db_.legacy_ids_));
  rocksdb::WriteBatch batch;
  size_t moved = 0;
  std::string value;
  rocksdb::Status status;
  for (it->SeekToFirst(); it->Valid() && status.ok(); it->Next()) {
    const std::string_view id = AsView(it->key());
    const auto record = DecodeEventId(AsView(it->value()));
    if (!record.ok()) {
      return db_.Damaged(Family::kEventIds, "record", record.status());
    }
    const SequenceKey key = EncodeSequenceKey(record->sequence);
    status = db_.db_->Get(rocksdb::ReadOptions(), db_.handle(Family::kEvents),
                          AsSlice(key), &value);
    if (status.ok()) {
      model::Interaction event;
      absl::Status decoded = DecodeEvent(value, &event, nullptr);
      if (!decoded.ok()) {
        return db_.Damaged(Family::kEvents,
                           absl::StrCat("sequence ", record->sequence),
                           decoded);
      }
      value.clear();
      EncodeEvent(event, id, &value);
      status = batch.Put(db_.handle(Family::kEvents), AsSlice(key), value);
    } else if (status.IsNotFound()) {
      status = rocksdb::Status::OK();
    }
    if (status.ok()) {
      status = batch.Put(db_.handle(Family::kEventIds),
                         AsSlice(HashEventId(id, db_.id_seed_)), it->value());
    }
    if (status.ok() && ++moved % kIdsPerWrite == 0) {
      status = db_.db_->Write(options, &batch);
      batch.Clear();
    }
  }
  if (status.ok()) status = it->status();
  if (status.ok()) status = db_.db_->Write(options, &batch);
  return FromRocksDb(status, "migrate the event ids", db_.directory_);
}

}  // namespace taud::store
