#ifndef TAUD_STORE_EVENT_DB_H_
#define TAUD_STORE_EVENT_DB_H_

#include <array>
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
#include "model/catalogue.h"
#include "model/dictionary.h"
#include "model/types.h"
#include "rocksdb/db.h"
#include "store/event_directory.h"
#include "store/group.h"

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
};
inline constexpr size_t kNumFamilies = 7;

// The one format of the whole database this code reads and writes. A change
// of a record's layout is a new format byte in event_codec.h; a change that
// older code must not touch is a new number here.
inline constexpr int kFormatVersion = 1;

// Whether a database whose meta says `format` (nothing: it says none) can be
// used. `has_data`: it holds dictionary entries, events or items. The message
// lacks the directory. Pure.
absl::Status CheckFormat(const std::optional<std::string>& format,
                         bool has_data);

// The event store's records in RocksDB: opening, reading back, and one synced
// write a group. Knows nothing of queues and threads.
//
// Thread-compatible: one thread at a time. Owns the directory's lock and the
// database.
class EventDb {
 public:
  // Errors as EventStore::Open. `env` may be null.
  static absl::StatusOr<std::unique_ptr<EventDb>> Open(
      const std::string& directory, rocksdb::Env* env);

  ~EventDb();
  EventDb(const EventDb&) = delete;
  EventDb& operator=(const EventDb&) = delete;

  // Closes and opens the database, the lock kept. After a failed write this
  // is the only way on: RocksDB 7.8 treats a failed write to its log as fatal
  // and, where Resume does succeed, keeps the poisoned log (its issue 11643).
  // What the failed write left in the log may be there afterwards.
  // On error the next call tries again; every other call then fails.
  absl::Status Reopen();

  // The largest sequence ever given, whether or not its event is still there.
  absl::StatusOr<model::Sequence> LastSequence() const;

  // Inserts the ids of indices >= dictionary->size(), in order.
  absl::Status LoadNames(Family family, model::Dictionary* dictionary) const;

  // Upserts every record. REQUIRES: the items' names are loaded (num_items).
  absl::Status LoadCatalogue(size_t num_items,
                             model::Catalogue* catalogue) const;

  // Calls visit for each event with sequence > after, in order, until it
  // fails. Users and items must be below the given sizes.
  absl::Status ForEachEvent(
      model::Sequence after, size_t num_users, size_t num_items,
      const std::function<void(const model::Interaction&)>& visit) const;

  // The sequence of each event id, 0 for an unknown one.
  absl::StatusOr<std::vector<model::Sequence>> FindEventIds(
      const std::vector<std::string_view>& ids) const;

  // Writes the whole plan or, on error, leaves that unknown until Reopen.
  // Synced when it returns.
  absl::Status Write(const GroupPlan& plan);

 private:
  EventDb(std::string directory, rocksdb::Env* env, DirectoryLock lock);

  absl::Status OpenDatabase();
  absl::Status CheckOrWriteFormat();
  absl::StatusOr<bool> HasData() const;
  absl::Status RequireOpen() const;
  void CloseDatabase();
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }
  absl::Status Damaged(Family family, absl::string_view where,
                       const absl::Status& status) const;

  const std::string directory_;
  rocksdb::Env* const env_;
  const DirectoryLock lock_;
  std::unique_ptr<rocksdb::DB> db_;  // null while closed
  std::array<rocksdb::ColumnFamilyHandle*, kNumFamilies> handles_{};
};

}  // namespace taud::store

#endif  // TAUD_STORE_EVENT_DB_H_
