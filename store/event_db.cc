#include "store/event_db.h"

#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "rocksdb/iterator.h"
#include "rocksdb/write_batch.h"
#include "store/event_codec.h"
#include "store/event_db_options.h"
#include "store/rocksdb_status.h"

namespace taud::store {
namespace {

constexpr char kFormatKey[] = "format_version";
constexpr char kLastSequenceKey[] = "last_sequence";
constexpr size_t kReadahead = size_t{4} << 20;

// Bytes of one event in a WriteBatch with keys and headers; a hint.
constexpr size_t kBatchBytesPerEvent = 48;

template <size_t N>
rocksdb::Slice AsSlice(const std::array<char, N>& bytes) {
  return rocksdb::Slice(bytes.data(), N);
}

rocksdb::Slice AsSlice(std::string_view text) {
  return rocksdb::Slice(text.data(), text.size());
}

std::string_view AsView(const rocksdb::Slice& slice) {
  return std::string_view(slice.data(), slice.size());
}

// For a scan that reads everything once.
rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.readahead_size = kReadahead;
  options.fill_cache = false;
  return options;
}

// Collects the puts of a group; remembers the first failure.
class Batch {
 public:
  explicit Batch(size_t bytes) : batch_(bytes) {}

  void Put(rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key,
           const rocksdb::Slice& value) {
    const rocksdb::Status status = batch_.Put(family, key, value);
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

absl::Status CheckFormat(const std::optional<std::string>& format,
                         bool has_data) {
  if (!format.has_value()) {
    if (!has_data) return absl::OkStatus();
    return absl::DataLossError(
        "the format version is missing beside data; restore the directory "
        "from a backup");
  }
  int version = 0;
  if (!absl::SimpleAtoi(*format, &version) || version < 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("unknown format version \"", *format,
                     "\"; it was not written by taud: choose another data "
                     "directory"));
  }
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "format version ", version, " is newer than the ", kFormatVersion,
        " this taud knows; use the newer taud, or another data directory"));
  }
  return absl::OkStatus();
}

EventDb::EventDb(std::string directory, rocksdb::Env* env, DirectoryLock lock)
    : directory_(std::move(directory)), env_(env), lock_(std::move(lock)) {}

EventDb::~EventDb() { CloseDatabase(); }

absl::StatusOr<std::unique_ptr<EventDb>> EventDb::Open(
    const std::string& directory, rocksdb::Env* env) {
  absl::StatusOr<DirectoryLock> lock = PrepareDirectory(directory);
  if (!lock.ok()) return lock.status();
  auto db =
      std::unique_ptr<EventDb>(new EventDb(directory, env, *std::move(lock)));
  absl::Status status = db->OpenDatabase();
  if (!status.ok()) return status;
  return db;
}

absl::Status EventDb::Reopen() {
  CloseDatabase();
  return OpenDatabase();
}

absl::Status EventDb::OpenDatabase() {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(
      MakeDbOptions(env_), directory_, MakeFamilies(), &handles, &db);
  if (!opened.ok())
    return FromRocksDb(opened, "open the event store", directory_);
  db_.reset(db);
  for (size_t f = 0; f < kNumFamilies; ++f) handles_[f] = handles[f];
  absl::Status status = CheckOrWriteFormat();
  if (!status.ok()) CloseDatabase();
  return status;
}

void EventDb::CloseDatabase() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle*& handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    handle = nullptr;
  }
  // Nothing is lost if it fails: what was acknowledged is in the log.
  db_->Close().PermitUncheckedError();
  db_.reset();
}

absl::Status EventDb::RequireOpen() const {
  if (db_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the event store in ", directory_,
                   " could not be reopened after a failed write"));
}

absl::Status EventDb::CheckOrWriteFormat() {
  std::string text;
  const rocksdb::Status found = db_->Get(
      rocksdb::ReadOptions(), handle(Family::kMeta), kFormatKey, &text);
  if (!found.ok() && !found.IsNotFound()) {
    return FromRocksDb(found, "read the format version", directory_);
  }
  const absl::StatusOr<bool> has_data = HasData();
  if (!has_data.ok()) return has_data.status();
  std::optional<std::string> format;
  if (found.ok()) format = text;
  const absl::Status status = CheckFormat(format, *has_data);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(directory_, ": ", status.message()));
  }
  if (format.has_value()) return absl::OkStatus();
  rocksdb::WriteOptions options;
  options.sync = true;
  return FromRocksDb(db_->Put(options, handle(Family::kMeta), kFormatKey,
                              absl::StrCat(kFormatVersion)),
                     "write the format version", directory_);
}

absl::StatusOr<bool> EventDb::HasData() const {
  for (const Family family :
       {Family::kEvents, Family::kUsers, Family::kItems}) {
    const std::unique_ptr<rocksdb::Iterator> it(
        db_->NewIterator(rocksdb::ReadOptions(), handle(family)));
    it->SeekToFirst();
    if (it->Valid()) return true;
    if (!it->status().ok()) {
      return FromRocksDb(it->status(), "read", directory_);
    }
  }
  return false;
}

absl::Status EventDb::Damaged(Family family, absl::string_view where,
                              const absl::Status& status) const {
  return absl::DataLossError(
      absl::StrCat(directory_, ": ", FamilyName(family), " ", where, ": ",
                   status.message(), "; restore the directory from a backup"));
}

absl::StatusOr<model::Sequence> EventDb::LastSequence() const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  std::string value;
  const rocksdb::Status found = db_->Get(
      rocksdb::ReadOptions(), handle(Family::kMeta), kLastSequenceKey, &value);
  if (found.IsNotFound()) return model::Sequence{0};
  if (!found.ok()) {
    return FromRocksDb(found, "read the last sequence", directory_);
  }
  const absl::StatusOr<model::Sequence> sequence = DecodeSequenceKey(value);
  if (!sequence.ok()) {
    return Damaged(Family::kMeta, kLastSequenceKey, sequence.status());
  }
  return sequence;
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

absl::Status EventDb::ForEachEvent(
    model::Sequence after, size_t num_users, size_t num_items,
    const std::function<void(const model::Interaction&)>& visit) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  if (after == std::numeric_limits<model::Sequence>::max()) {
    return absl::OkStatus();
  }
  const SequenceKey first = EncodeSequenceKey(after + 1);
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(ScanOptions(), handle(Family::kEvents)));
  model::Interaction event;
  for (it->Seek(AsSlice(first)); it->Valid(); it->Next()) {
    const absl::StatusOr<model::Sequence> sequence =
        DecodeSequenceKey(AsView(it->key()));
    if (!sequence.ok()) {
      return Damaged(Family::kEvents, "key", sequence.status());
    }
    event.sequence = *sequence;
    absl::Status status = DecodeEvent(AsView(it->value()), &event);
    if (status.ok() && (event.user >= num_users || event.item >= num_items)) {
      status = absl::DataLossError(absl::StrCat(
          "user ", event.user, " or item ", event.item, " has no id"));
    }
    if (!status.ok()) {
      return Damaged(Family::kEvents, absl::StrCat("sequence ", *sequence),
                     status);
    }
    visit(event);
  }
  return FromRocksDb(it->status(), "read the events", directory_);
}

absl::StatusOr<std::vector<model::Sequence>> EventDb::FindEventIds(
    const std::vector<std::string_view>& ids) const {
  std::vector<model::Sequence> sequences(ids.size(), 0);
  if (ids.empty()) return sequences;
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  std::vector<rocksdb::Slice> keys;
  keys.reserve(ids.size());
  for (const std::string_view id : ids) keys.push_back(AsSlice(id));
  std::vector<rocksdb::PinnableSlice> values(ids.size());
  std::vector<rocksdb::Status> statuses(ids.size());
  db_->MultiGet(rocksdb::ReadOptions(), handle(Family::kEventIds), keys.size(),
                keys.data(), values.data(), statuses.data());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) {
      return FromRocksDb(statuses[i], "look up event ids", directory_);
    }
    const absl::StatusOr<EventIdRecord> record =
        DecodeEventId(AsView(values[i]));
    if (!record.ok()) {
      return Damaged(Family::kEventIds, "record", record.status());
    }
    sequences[i] = record->sequence;
  }
  return sequences;
}

absl::Status EventDb::Write(const GroupPlan& plan) {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  Batch batch(plan.events.size() * kBatchBytesPerEvent);
  PutNames(plan.new_users, plan.first_user, handle(Family::kUsers), &batch);
  PutNames(plan.new_items, plan.first_item, handle(Family::kItems), &batch);
  std::string value;
  for (const GroupPlan::Record& record : plan.records) {
    value.clear();
    EncodeItemRecord(*record.record, &value);
    const IndexKey key = EncodeIndexKey(record.item);
    batch.Put(handle(Family::kCatalogue), AsSlice(key), value);
  }
  EventIdRecord id_record;
  id_record.accepted_ms =
      static_cast<int64_t>(db_->GetEnv()->NowMicros() / 1000);
  for (const GroupPlan::Event& event : plan.events) {
    const SequenceKey key = EncodeSequenceKey(event.interaction.sequence);
    batch.Put(handle(Family::kEvents), AsSlice(key),
              AsSlice(EncodeEvent(event.interaction)));
    if (event.event_id.empty()) continue;
    id_record.sequence = event.interaction.sequence;
    batch.Put(handle(Family::kEventIds), AsSlice(event.event_id),
              AsSlice(EncodeEventId(id_record)));
  }
  if (!plan.events.empty()) {
    const SequenceKey last = EncodeSequenceKey(plan.last_sequence);
    batch.Put(handle(Family::kMeta), kLastSequenceKey, AsSlice(last));
  }
  if (!batch.status().ok()) {
    return FromRocksDb(batch.status(), "gather a write", directory_);
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  return FromRocksDb(db_->Write(options, batch.get()), "write", directory_);
}

}  // namespace taud::store
