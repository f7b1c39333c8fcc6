#include "store/log/event_db.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "rocksdb/iterator.h"
#include "store/log/event_codec.h"
#include "store/log/event_db_options.h"
#include "store/log/event_db_records.h"
#include "store/log/event_migration.h"
#include "store/log/rocksdb_status.h"
#include "store/log/write_ahead_log.h"

namespace taud::store {
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

}  // namespace taud::store
