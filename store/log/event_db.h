#ifndef TAUD_STORE_LOG_EVENT_DB_H_
#define TAUD_STORE_LOG_EVENT_DB_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "model/catalogue.h"
#include "model/dictionary.h"
#include "model/types.h"
#include "model/user_properties.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "store/log/erasure.h"
#include "store/log/event_directory.h"
#include "store/log/group.h"
#include "store/log/watched_env.h"

namespace taud::store {

// The column families, in the order they are opened. `default` is empty;
// RocksDB insists on it.
enum class Family {
  kDefault,
  kEvents,
  kEventIds,
  kUsers,
  kItems,
  kCatalogue,
  kMeta,
  kStreams,
  kErasures,
  // Since taud knows properties of users: a database that was not opened for
  // writing since then has none.
  kUserProperties,
};
inline constexpr size_t kNumFamilies = 10;

// The one format of the whole database this code reads and writes. A change
// of a record's layout is a new format byte in event_codec.h; a change that
// older code must not touch is a new number here and a step in
// event_migration.h. 1: event ids as keys of their own family, events without
// them.
inline constexpr int kFormatVersion = 2;

// Whether a database whose meta says `format` (nothing: it says none) can be
// used. `has_data`: it holds dictionary entries, events or items. The message
// lacks the directory. Pure.
absl::Status CheckFormat(const std::optional<std::string>& format,
                         bool has_data);

// What the event ids and streams of a group were known as before it.
struct KnownIds {
  // By position in EventIdsOf(batches): the sequence, 0 for an unknown one.
  std::vector<model::Sequence> sequences;
  StreamRecords streams;  // those of StreamsOf(batches) that are known
};

// The event store's records in RocksDB: opening, reading back, one synced
// write a group, and the upkeep of what lies there. Knows nothing of queues
// and threads.
//
// Thread-compatible: one thread at a time, except for the upkeep functions,
// which one other thread may call at the same time; Reopen waits for them.
// Owns the directory's lock and the database.
class EventDb {
 public:
  // Told, before anything is changed, the format that the database says, 0 for
  // none, and whether it has data. Its error is that of the opening.
  using FormatFound = std::function<absl::Status(int format, bool has_data)>;

  // Errors as EventStore::Open. `env` and `found` may be null. On a full disk
  // the database is opened to be read only: it can_write() after a Reopen.
  static absl::StatusOr<std::unique_ptr<EventDb>> Open(
      const std::string& directory, rocksdb::Env* env,
      FormatFound found = nullptr);
  // Looks only: takes no lock, writes nothing, and every other call that would
  // write fails. For a directory that no taud holds.
  static absl::StatusOr<std::unique_ptr<EventDb>> OpenReadOnly(
      const std::string& directory);

  ~EventDb();
  EventDb(const EventDb&) = delete;
  EventDb& operator=(const EventDb&) = delete;

  // Closes and opens the database, the lock kept. After a failed write this
  // is the only way on: RocksDB 7.8 treats a failed write to its log as fatal
  // and, where Resume does succeed, keeps the poisoned log (its issue 11643).
  // What the failed write left in the log may be there afterwards.
  // On error the next call tries again; every other call then fails, except
  // that after RESOURCE_EXHAUSTED what only reads goes on.
  absl::Status Reopen();
  bool can_write() const { return db_ != nullptr && !read_only_; }

  // Closes for good; waits for the upkeep.
  void Close();

  // The largest sequence ever given, whether or not its event is still there.
  absl::StatusOr<model::Sequence> LastSequence() const;

  // Inserts the ids of indices >= dictionary->size(), in order.
  absl::Status LoadNames(Family family, model::Dictionary* dictionary) const;

  // Upserts every record. REQUIRES: the items' names are loaded (num_items).
  absl::Status LoadCatalogue(size_t num_items,
                             model::Catalogue* catalogue) const;

  // The same for the properties of users.
  absl::Status LoadUserProperties(size_t num_users,
                                  model::UserProperties* properties) const;

  // Calls visit for each event with sequence > after, in order, until it
  // fails. Users and items must be below the given sizes. The event's id, a
  // view that lasts for the call, is empty if it has none. May run beside
  // everything else.
  using VisitEvent =
      std::function<void(const model::Interaction&, std::string_view id)>;
  absl::Status ForEachEvent(model::Sequence after, size_t num_users,
                            size_t num_items, const VisitEvent& visit) const;

  // What is known of the event ids, accepted at or after cutoff_ms, and of the
  // streams.
  absl::StatusOr<KnownIds> FindIds(
      const std::vector<std::string_view>& event_ids,
      const std::vector<std::string_view>& streams, int64_t cutoff_ms) const;

  // Writes the whole plan or, on error, leaves that unknown until Reopen.
  // Synced when it returns. The event ids and streams were accepted at now_ms.
  absl::Status Write(const GroupPlan& plan, int64_t now_ms);

  // The latest time of acceptance ever written; 0: none.
  absl::StatusOr<int64_t> LastTimeMs() const;
  // Ids and streams accepted before it may be dropped from the disk.
  void SetExpiry(int64_t cutoff_ms) { *expiry_ = cutoff_ms; }

  // Takes the name from an index and writes the receipt, at once, synced.
  absl::Status WriteErasure(const Erasure& erasure);
  // Replaces the receipt, synced.
  absl::Status WriteReceipt(const Erasure& erasure);
  absl::StatusOr<std::vector<Erasure>> LoadErasures() const;

  // An event that is to go, and its id.
  struct Purged {
    model::Sequence sequence = 0;
    std::string event_id;
  };
  // Deletes the events, and their ids where they are still theirs; synced.
  absl::Status Purge(const std::vector<Purged>& events);
  // Deletes every event through `through`; synced.
  absl::Status DeleteEventsThrough(model::Sequence through);

  // --- Upkeep: may run beside everything else. ---

  // Rewrites what is on disk so that nothing deleted is left in any of its
  // files, logs included. Reads and writes the whole of the database.
  absl::Status Compact();
  // Drops whole files of deleted events; cheap.
  absl::Status DropDeletedFiles(model::Sequence through);
  // A consistent copy, in hard links where that is possible, into `directory`,
  // which must not exist.
  absl::Status CopyTo(const std::string& directory);
  // The sequence through which the events were accepted before time_ms; and
  // through which they can go so that the rest takes `bytes` at most. 0: none.
  absl::StatusOr<model::Sequence> AcceptedBefore(int64_t time_ms) const;
  absl::StatusOr<model::Sequence> BeyondBytes(uint64_t bytes) const;
  // Reads every file and compares its checksums. DATA_LOSS names the file.
  absl::Status VerifyChecksums() const;
  // The same for the tables that nothing else reads as a whole at a start:
  // event ids and streams.
  absl::Status VerifyIdTables() const;

  // A copy that is being made, or is begun while `stop` is true, fails soon.
  // Any thread.
  void StopCopies(bool stop) { env_->StopCopies(stop); }

  const std::string& directory() const { return directory_; }

 private:
  friend class EventMigration;

  EventDb(std::string directory, rocksdb::Env* env,
          std::optional<DirectoryLock> lock);

  absl::Status OpenDatabase();
  absl::Status OpenAs(bool read_only, const std::vector<FoundLog>& logs);
  absl::Status OpenFamilies();
  absl::Status CheckOrWriteFormat();
  absl::Status LoadOrWriteSeed();
  absl::StatusOr<std::optional<std::string>> GetMeta(
      absl::string_view key) const;
  absl::Status PutMeta(absl::string_view key, absl::string_view value);
  absl::StatusOr<bool> HasData() const;
  absl::Status RequireOpen() const;
  void CloseDatabase();
  // Paths of the tables that it has now; those of a compaction's input go at
  // any time.
  std::vector<std::string> TablesOf(Family family) const;
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }
  absl::Status Damaged(Family family, absl::string_view where,
                       const absl::Status& status) const;

  const std::string directory_;
  const std::unique_ptr<WatchedEnv> env_;
  std::optional<DirectoryLock> lock_;  // none: read only, or closed
  FormatFound found_;                  // until the first opening
  const std::shared_ptr<std::atomic<int64_t>> expiry_;
  bool read_only_ = false;
  uint64_t id_seed_ = 0;
  int64_t last_arrival_ms_ = 0;  // when an arrival was last noted

  // Held shared by the upkeep, exclusively while the database is closed and
  // opened again.
  mutable absl::Mutex upkeep_mutex_;
  std::unique_ptr<rocksdb::DB> db_;  // null while closed
  std::array<rocksdb::ColumnFamilyHandle*, kNumFamilies> handles_{};
  rocksdb::ColumnFamilyHandle* legacy_ids_ = nullptr;  // of format 1
  std::shared_ptr<rocksdb::Cache> cache_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_DB_H_
