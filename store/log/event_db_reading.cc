// What EventDb reads back: at a start all of it, later what is known of ids.

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "store/log/event_codec.h"
#include "store/log/event_db.h"
#include "store/log/event_db_options.h"
#include "store/log/event_db_records.h"
#include "store/log/rocksdb_status.h"

namespace taud::store {

absl::StatusOr<model::Sequence> EventDb::LastSequence() const {
  const auto value = GetMeta(kLastSequenceKey);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return model::Sequence{0};
  const absl::StatusOr<model::Sequence> sequence = DecodeSequenceKey(**value);
  if (!sequence.ok()) {
    return Damaged(Family::kMeta, kLastSequenceKey, sequence.status());
  }
  return sequence;
}

absl::StatusOr<int64_t> EventDb::LastTimeMs() const {
  const auto value = GetMeta(kLastTimeKey);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return int64_t{0};
  const absl::StatusOr<uint64_t> time = DecodeSequenceKey(**value);
  if (!time.ok()) return Damaged(Family::kMeta, kLastTimeKey, time.status());
  return static_cast<int64_t>(*time);
}

absl::Status EventDb::LoadNames(Family family,
                                model::Dictionary* dictionary) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  const IndexKey first =
      EncodeIndexKey(static_cast<uint32_t>(dictionary->size()));
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(family)));
  for (it->Seek(AsSlice(first)); it->Valid(); it->Next()) {
    const auto expected = static_cast<uint32_t>(dictionary->size());
    const std::string where = absl::StrCat("entry ", expected);
    const absl::StatusOr<uint32_t> index = DecodeIndexKey(AsView(it->key()));
    if (!index.ok()) return Damaged(family, where, index.status());
    if (*index != expected) {
      return Damaged(family, where, absl::DataLossError("missing"));
    }
    const absl::StatusOr<std::string_view> name =
        DecodeName(AsView(it->value()));
    if (!name.ok()) return Damaged(family, where, name.status());
    if (name->empty()) {
      dictionary->InsertErased();
      continue;
    }
    if (dictionary->Insert(*name) != expected) {
      return Damaged(family, where, absl::DataLossError("id is there twice"));
    }
  }
  return FromRocksDb(it->status(),
                     absl::StrCat("read the ", FamilyName(family)), directory_);
}

absl::Status EventDb::LoadCatalogue(size_t num_items,
                                    model::Catalogue* catalogue) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(Family::kCatalogue)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const absl::StatusOr<uint32_t> item = DecodeIndexKey(AsView(it->key()));
    if (!item.ok()) return Damaged(Family::kCatalogue, "key", item.status());
    const std::string where = absl::StrCat("entry ", *item);
    if (*item >= num_items) {
      return Damaged(Family::kCatalogue, where,
                     absl::DataLossError("the item has no id"));
    }
    absl::StatusOr<model::ItemRecord> record =
        DecodeItemRecord(AsView(it->value()));
    if (!record.ok())
      return Damaged(Family::kCatalogue, where, record.status());
    catalogue->Upsert(*item, *std::move(record));
  }
  return FromRocksDb(it->status(), "read the catalogue", directory_);
}

absl::Status EventDb::LoadUserProperties(
    size_t num_users, model::UserProperties* properties) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  constexpr Family kFamily = Family::kUserProperties;
  if (handle(kFamily) == nullptr) return absl::OkStatus();
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(kFamily)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const absl::StatusOr<uint32_t> user = DecodeIndexKey(AsView(it->key()));
    if (!user.ok()) return Damaged(kFamily, "key", user.status());
    const std::string where = absl::StrCat("entry ", *user);
    if (*user >= num_users) {
      return Damaged(kFamily, where, absl::DataLossError("the user has no id"));
    }
    const auto decoded = DecodeUserProperties(AsView(it->value()));
    if (!decoded.ok()) return Damaged(kFamily, where, decoded.status());
    properties->Put(*user, *decoded);
  }
  return FromRocksDb(it->status(), "read the properties of users", directory_);
}

absl::Status EventDb::ForEachEvent(model::Sequence after, size_t num_users,
                                   size_t num_items,
                                   const VisitEvent& visit) const {
  absl::ReaderMutexLock upkeep(&upkeep_mutex_);
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  if (after == std::numeric_limits<model::Sequence>::max()) {
    return absl::OkStatus();
  }
  const SequenceKey first = EncodeSequenceKey(after + 1);
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(Family::kEvents)));
  model::Interaction event;
  std::string_view event_id;
  for (it->Seek(AsSlice(first)); it->Valid(); it->Next()) {
    const absl::StatusOr<model::Sequence> sequence =
        DecodeSequenceKey(AsView(it->key()));
    if (!sequence.ok()) {
      return Damaged(Family::kEvents, "key", sequence.status());
    }
    event.sequence = *sequence;
    absl::Status status = DecodeEvent(AsView(it->value()), &event, &event_id);
    if (status.ok() && (event.user >= num_users || event.item >= num_items)) {
      status = absl::DataLossError(absl::StrCat(
          "user ", event.user, " or item ", event.item, " has no id"));
    }
    if (!status.ok()) {
      return Damaged(Family::kEvents, absl::StrCat("sequence ", *sequence),
                     status);
    }
    visit(event, event_id);
  }
  return FromRocksDb(it->status(), "read the events", directory_);
}

absl::StatusOr<KnownIds> EventDb::FindIds(
    const std::vector<std::string_view>& event_ids,
    const std::vector<std::string_view>& streams, int64_t cutoff_ms) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  KnownIds known;
  known.sequences.resize(event_ids.size(), 0);
  std::vector<EventIdKey> hashes;
  std::vector<rocksdb::Slice> keys;
  hashes.reserve(event_ids.size());
  keys.reserve(event_ids.size());
  for (const std::string_view id : event_ids) {
    hashes.push_back(HashEventId(id, id_seed_));
    keys.push_back(AsSlice(hashes.back()));
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  if (!keys.empty()) {
    db_->MultiGet(rocksdb::ReadOptions(), handle(Family::kEventIds),
                  keys.size(), keys.data(), values.data(), statuses.data());
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) {
      return FromRocksDb(statuses[i], "look up event ids", directory_);
    }
    const absl::StatusOr<EventIdRecord> record =
        DecodeEventId(AsView(values[i]));
    if (!record.ok()) {
      return Damaged(Family::kEventIds, "record", record.status());
    }
    if (record->accepted_ms >= cutoff_ms) known.sequences[i] = record->sequence;
  }
  for (const std::string_view stream : streams) {
    std::string value;
    rocksdb::Status found =
        db_->Get(rocksdb::ReadOptions(), handle(Family::kStreams),
                 AsSlice(HashEventId(stream, id_seed_)), &value);
    if (found.IsNotFound()) {
      // Of a taud that kept the names themselves.
      found = db_->Get(rocksdb::ReadOptions(), handle(Family::kStreams),
                       AsSlice(stream), &value);
    }
    if (found.IsNotFound()) continue;
    if (!found.ok()) return FromRocksDb(found, "look up a stream", directory_);
    const absl::StatusOr<StreamRecord> record = DecodeStream(value);
    if (!record.ok()) {
      return Damaged(Family::kStreams, "record", record.status());
    }
    if (record->accepted_ms < cutoff_ms) continue;
    known.streams.emplace(stream, *record);
  }
  return known;
}

absl::StatusOr<std::vector<Erasure>> EventDb::LoadErasures() const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  std::vector<Erasure> erasures;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(Family::kErasures)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const absl::StatusOr<ErasureRecord> record =
        DecodeErasure(AsView(it->value()));
    if (!record.ok()) {
      return Damaged(Family::kErasures, "record", record.status());
    }
    erasures.push_back({it->key().ToString(), *record});
  }
  if (!it->status().ok()) {
    return FromRocksDb(it->status(), "read the erasures", directory_);
  }
  std::stable_sort(erasures.begin(), erasures.end(),
                   [](const Erasure& a, const Erasure& b) {
                     return a.record.requested_ms < b.record.requested_ms;
                   });
  return erasures;
}

}  // namespace taud::store
