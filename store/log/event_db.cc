#include "store/log/event_db.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "rocksdb/env.h"
#include "rocksdb/iterator.h"
#include "rocksdb/write_batch.h"
#include "store/log/event_codec.h"
#include "store/log/event_db_options.h"
#include "store/log/event_migration.h"
#include "store/log/rocksdb_status.h"
#include "store/log/write_ahead_log.h"

namespace taud::store {
namespace {

constexpr char kFormatKey[] = "format_version";
constexpr char kLastSequenceKey[] = "last_sequence";
constexpr char kLastTimeKey[] = "last_time_ms";
constexpr char kIdSeedKey[] = "event_id_seed";
// Followed by a time, big-endian: the last sequence before it.
constexpr char kArrivalPrefix[] = "arrival/";
constexpr int64_t kArrivalEveryMs = 10 * 60 * 1000;
constexpr size_t kReadahead = size_t{4} << 20;

// Bytes of one event in a WriteBatch with keys and headers; a hint.
constexpr size_t kBatchBytesPerEvent = 48;

template <size_t N>
rocksdb::Slice AsSlice(const std::array<char, N>& bytes) {
  return rocksdb::Slice(bytes.data(), N);
}

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
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

EventDb::EventDb(std::string directory, rocksdb::Env* env,
                 std::optional<DirectoryLock> lock)
    : directory_(std::move(directory)),
      env_(std::make_unique<WatchedEnv>(
          env != nullptr ? env : rocksdb::Env::Default(), directory_)),
      lock_(std::move(lock)),
      expiry_(std::make_shared<std::atomic<int64_t>>(
          std::numeric_limits<int64_t>::min())) {}

EventDb::~EventDb() { CloseDatabase(); }

absl::StatusOr<std::unique_ptr<EventDb>> EventDb::Open(
    const std::string& directory, rocksdb::Env* env, FormatFound found) {
  absl::StatusOr<DirectoryLock> lock = PrepareDirectory(directory);
  if (!lock.ok()) return lock.status();
  auto db =
      std::unique_ptr<EventDb>(new EventDb(directory, env, *std::move(lock)));
  db->found_ = std::move(found);
  absl::MutexLock upkeep(&db->upkeep_mutex_);
  absl::Status status = db->OpenDatabase();
  db->found_ = nullptr;
  // On a full disk it serves what it has; the next write tries again.
  if (!status.ok() && db->db_ == nullptr) return status;
  return db;
}

absl::StatusOr<std::unique_ptr<EventDb>> EventDb::OpenReadOnly(
    const std::string& directory) {
  auto db =
      std::unique_ptr<EventDb>(new EventDb(directory, nullptr, std::nullopt));
  absl::MutexLock upkeep(&db->upkeep_mutex_);
  absl::Status status = db->OpenDatabase();
  if (!status.ok()) return status;
  return db;
}

absl::Status EventDb::Reopen() {
  // The upkeep's compactions end early; it holds the mutex no longer than that.
  if (db_ != nullptr) db_->DisableManualCompaction();
  absl::MutexLock upkeep(&upkeep_mutex_);
  CloseDatabase();
  return OpenDatabase();
}

void EventDb::Close() {
  if (db_ != nullptr) db_->DisableManualCompaction();
  absl::MutexLock upkeep(&upkeep_mutex_);
  CloseDatabase();
  lock_.reset();
}

absl::Status EventDb::OpenDatabase() {
  // RocksDB takes a damaged log for one that a crash cut short, and silently
  // leaves out what comes behind.
  const auto logs = CheckWriteAheadLogs(directory_);
  if (!logs.ok()) return logs.status();
  const absl::Status status = OpenAs(!lock_.has_value(), *logs);
  if (absl::IsResourceExhausted(status) && lock_.has_value()) {
    OpenAs(true, *logs).IgnoreError();
  }
  return status;
}

absl::Status EventDb::OpenAs(bool read_only,
                             const std::vector<FoundLog>& logs) {
  read_only_ = read_only;
  absl::Status status;
  if (!read_only_) {
    LogList list;
    for (const FoundLog& log : logs) list[log.number] = log.whole_bytes;
    auto file = LogListFile::Open(directory_, std::move(list));
    if (!file.ok()) return file.status();
    env_->SetList(*std::move(file));
  }
  status = OpenFamilies();
  if (status.ok()) status = CheckOrWriteFormat();
  if (status.ok()) status = LoadOrWriteSeed();
  if (status.ok()) status = EventMigration(this).Run();
  if (!status.ok()) CloseDatabase();
  return status;
}

absl::Status EventDb::OpenFamilies() {
  cache_ = MakeCache();
  const rocksdb::DBOptions options = MakeDbOptions(env_.get());
  std::vector<rocksdb::ColumnFamilyDescriptor> families =
      MakeFamilies(expiry_, cache_);
  std::vector<std::string> names;
  const bool listed =
      rocksdb::DB::ListColumnFamilies(options, directory_, &names).ok();
  const auto has = [&](absl::string_view name) {
    return listed && std::find(names.begin(), names.end(), name) != names.end();
  };
  // Opened for reading, an older database goes without the newest family.
  const bool lacks_last = read_only_ && listed && !has(families.back().name);
  if (lacks_last) families.pop_back();
  // A database of format 1 has a family that is not among them.
  const bool legacy = has(kLegacyEventIds);
  if (legacy) {
    families.emplace_back(kLegacyEventIds, rocksdb::ColumnFamilyOptions());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      !read_only_
          ? rocksdb::DB::Open(options, directory_, families, &handles, &db)
          : rocksdb::DB::OpenForReadOnly(options, directory_, families,
                                         &handles, &db);
  if (!opened.ok())
    return FromRocksDb(opened, "open the event store", directory_);
  db_.reset(db);
  const size_t known = kNumFamilies - (lacks_last ? 1 : 0);
  for (size_t f = 0; f < known; ++f) handles_[f] = handles[f];
  legacy_ids_ = legacy ? handles.back() : nullptr;
  return absl::OkStatus();
}

void EventDb::CloseDatabase() {
  if (db_ == nullptr) {
    env_->SetList(nullptr);
    return;
  }
  for (rocksdb::ColumnFamilyHandle*& handle : handles_) {
    if (handle == nullptr) continue;
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    handle = nullptr;
  }
  if (legacy_ids_ != nullptr) {
    db_->DestroyColumnFamilyHandle(legacy_ids_).PermitUncheckedError();
    legacy_ids_ = nullptr;
  }
  // Nothing is lost if it fails: what was acknowledged is in the log.
  db_->Close().PermitUncheckedError();
  db_.reset();
  env_->SetList(nullptr);
}

absl::Status EventDb::RequireOpen() const {
  if (db_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the event store in ", directory_,
                   " could not be reopened after a failed write"));
}

absl::StatusOr<std::optional<std::string>> EventDb::GetMeta(
    absl::string_view key) const {
  absl::Status open = RequireOpen();
  if (!open.ok()) return open;
  std::string value;
  const rocksdb::Status found =
      db_->Get(rocksdb::ReadOptions(), handle(Family::kMeta),
               rocksdb::Slice(key.data(), key.size()), &value);
  if (found.IsNotFound()) return std::optional<std::string>();
  if (!found.ok()) {
    return FromRocksDb(found, absl::StrCat("read ", key), directory_);
  }
  return std::optional<std::string>(value);
}

absl::Status EventDb::PutMeta(absl::string_view key, absl::string_view value) {
  return FromRocksDb(db_->Put(Synced(), handle(Family::kMeta),
                              rocksdb::Slice(key.data(), key.size()),
                              rocksdb::Slice(value.data(), value.size())),
                     absl::StrCat("write ", key), directory_);
}

absl::Status EventDb::CheckOrWriteFormat() {
  const auto format = GetMeta(kFormatKey);
  if (!format.ok()) return format.status();
  const absl::StatusOr<bool> has_data = HasData();
  if (!has_data.ok()) return has_data.status();
  const absl::Status status = CheckFormat(*format, *has_data);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(directory_, ": ", status.message()));
  }
  if (found_ != nullptr) {
    int version = 0;
    if (format->has_value() && !absl::SimpleAtoi(**format, &version)) {
      version = 0;
    }
    absl::Status taken = found_(version, *has_data);
    if (!taken.ok()) return taken;
  }
  if (format->has_value() || read_only_) return absl::OkStatus();
  return PutMeta(kFormatKey, absl::StrCat(kFormatVersion));
}

absl::Status EventDb::LoadOrWriteSeed() {
  const auto seed = GetMeta(kIdSeedKey);
  if (!seed.ok()) return seed.status();
  if (seed->has_value()) {
    const auto decoded = DecodeSequenceKey(**seed);
    if (!decoded.ok()) {
      return Damaged(Family::kMeta, kIdSeedKey, decoded.status());
    }
    id_seed_ = *decoded;
    return absl::OkStatus();
  }
  if (read_only_) return absl::OkStatus();
  std::random_device random;
  id_seed_ = (uint64_t{random()} << 32) | random();
  const SequenceKey bytes = EncodeSequenceKey(id_seed_);
  return PutMeta(kIdSeedKey, absl::string_view(bytes.data(), bytes.size()));
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
