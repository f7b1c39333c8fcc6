// What EventDb does about files that already lie on the disk.

#include <array>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "rocksdb/cache.h"
#if __has_include("rocksdb/advanced_cache.h")
// From 8.7 on the class is declared there, and is only named in cache.h.
#include "rocksdb/advanced_cache.h"
#endif
#include "rocksdb/convenience.h"
#include "rocksdb/db.h"
#include "rocksdb/iterator.h"
#include "rocksdb/sst_file_reader.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/write_batch.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_records.h"
#include "store/log/rocksdb_status.h"

namespace taud::store {

absl::Status EventDb::Purge(const std::vector<Purged>& events) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  std::string value;
  for (const Purged& event : events) {
    const SequenceKey key = EncodeSequenceKey(event.sequence);
    status = batch.Delete(handle(Family::kEvents), AsSlice(key));
    if (!status.ok()) break;
    if (event.event_id.empty()) continue;
    // The id may have come again and belong to a later event.
    const EventIdKey id = HashEventId(event.event_id, id_seed_);
    status = db_->Get(rocksdb::ReadOptions(), handle(Family::kEventIds),
                      AsSlice(id), &value);
    if (status.IsNotFound()) {
      status = rocksdb::Status::OK();
      continue;
    }
    if (!status.ok()) break;
    const absl::StatusOr<EventIdRecord> record = DecodeEventId(value);
    if (!record.ok()) {
      return Damaged(Family::kEventIds, "record", record.status());
    }
    if (record->sequence != event.sequence) continue;
    status = batch.Delete(handle(Family::kEventIds), AsSlice(id));
    if (!status.ok()) break;
  }
  if (status.ok()) status = db_->Write(Synced(), &batch);
  return FromRocksDb(status, "delete erased events", directory_);
}

absl::Status EventDb::DeleteEventsThrough(model::Sequence through) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  const SequenceKey begin = EncodeSequenceKey(0);
  const SequenceKey end = EncodeSequenceKey(through + 1);
  return FromRocksDb(db_->DeleteRange(Synced(), handle(Family::kEvents),
                                      AsSlice(begin), AsSlice(end)),
                     "delete old events", directory_);
}

absl::Status EventDb::DropDeletedFiles(model::Sequence through) {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  const SequenceKey begin = EncodeSequenceKey(0);
  const SequenceKey end = EncodeSequenceKey(through);
  const rocksdb::Slice first = AsSlice(begin);
  const rocksdb::Slice last = AsSlice(end);
  return FromRocksDb(rocksdb::DeleteFilesInRange(
                         db_.get(), handle(Family::kEvents), &first, &last),
                     "delete files of old events", directory_);
}

absl::Status EventDb::Compact() {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  // From the logs into tables, after which the logs are deleted.
  rocksdb::FlushOptions flush;
  std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(),
                                                handles_.end());
  rocksdb::Status status = db_->Flush(flush, all);
  if (!status.ok()) return FromRocksDb(status, "flush", directory_);
  TAUD_SYNC_POINT("log/compaction");
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction =
      rocksdb::BottommostLevelCompaction::kForce;
  options.exclusive_manual_compaction = false;
  for (const Family family :
       {Family::kEvents, Family::kEventIds, Family::kUsers, Family::kItems,
        Family::kCatalogue, Family::kUserProperties}) {
    status = db_->CompactRange(options, handle(family), nullptr, nullptr);
    if (!status.ok()) return FromRocksDb(status, "compact", directory_);
  }
  cache_->EraseUnRefEntries();
  return absl::OkStatus();
}

absl::Status EventDb::CopyTo(const std::string& directory) {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  rocksdb::Checkpoint* raw = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &raw);
  if (!status.ok()) return FromRocksDb(status, "prepare a copy", directory_);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  status = checkpoint->CreateCheckpoint(directory);
  return FromRocksDb(status, absl::StrCat("copy the log to ", directory),
                     directory_);
}

absl::StatusOr<model::Sequence> EventDb::AcceptedBefore(int64_t time_ms) const {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  // Keys are unsigned: a negative time would be after all others.
  if (time_ms <= 0) return model::Sequence{0};
  const SequenceKey time = EncodeSequenceKey(static_cast<uint64_t>(time_ms));
  const std::string limit =
      absl::StrCat(kArrivalPrefix, absl::string_view(time.data(), time.size()));
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions(), handle(Family::kMeta)));
  it->SeekForPrev(limit);
  if (!it->status().ok()) {
    return FromRocksDb(it->status(), "read the arrivals", directory_);
  }
  if (!it->Valid() || !it->key().starts_with(kArrivalPrefix)) {
    return model::Sequence{0};
  }
  const auto sequence = DecodeSequenceKey(
      std::string_view(it->value().data(), it->value().size()));
  if (!sequence.ok()) {
    return Damaged(Family::kMeta, "arrival", sequence.status());
  }
  return sequence;
}

absl::StatusOr<model::Sequence> EventDb::BeyondBytes(uint64_t bytes) const {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  // Tables of the log do not overlap and are ordered by sequence: the oldest
  // ones go, whole.
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::pair<model::Sequence, uint64_t>> tables;  // last, bytes
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.column_family_name != handle(Family::kEvents)->GetName()) continue;
    const auto last = DecodeSequenceKey(file.largestkey);
    if (last.ok()) tables.emplace_back(*last, file.size);
  }
  std::sort(tables.begin(), tables.end());
  uint64_t kept = 0;
  for (auto table = tables.rbegin(); table != tables.rend(); ++table) {
    kept += table->second;
    if (kept > bytes) return table->first;
  }
  return model::Sequence{0};
}

absl::Status EventDb::VerifyChecksums() const {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  return FromRocksDb(db_->VerifyChecksum(), "verify the checksums", directory_);
}

absl::Status EventDb::VerifyIdTables() const {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  for (const Family family : {Family::kEventIds, Family::kStreams}) {
    const rocksdb::Options options(db_->GetOptions(handle(family)));
    for (const std::string& path : TablesOf(family)) {
      rocksdb::SstFileReader reader(options);
      rocksdb::Status status = reader.Open(path);
      if (status.ok()) status = reader.VerifyChecksum();
      if (status.ok()) continue;
      // A compaction may have taken its place since: that has read it whole.
      const std::vector<std::string> now = TablesOf(family);
      if (std::find(now.begin(), now.end(), path) == now.end()) continue;
      return FromRocksDb(status, absl::StrCat("verify ", path), directory_);
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> EventDb::TablesOf(Family family) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> paths;
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.column_family_name != handle(family)->GetName()) continue;
    paths.push_back(absl::StrCat(file.db_path, file.name));
  }
  return paths;
}

}  // namespace taud::store
