#ifndef TAUD_SERVER_LIFECYCLE_SNAPSHOT_SHELF_H_
#define TAUD_SERVER_LIFECYCLE_SNAPSHOT_SHELF_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "server/lifecycle/snapshot_records.h"
#include "store/files/snapshot_files.h"

namespace taud::server {

// The daemon's snapshots on disk: saves, prunes, loads, erases out of them,
// remembers which one is pinned, and gives the numbers of new ones. Knows
// nothing of what serves.
//
// One thread at a time, except Saved, Has, Load and save_errors, which any
// thread may call: one that is being removed or rewritten is then NOT_FOUND or
// DATA_LOSS. Does not own `state`, whose dictionaries name the rows.
class SnapshotShelf {
 public:
  struct Options {
    std::string directory;
    // See store::SnapshotRetention. The history of hours and days is given up
    // while less than a fifth of the disk is free.
    size_t keep = 5;
    size_t keep_hourly = 0;
    size_t keep_daily = 0;
    uint64_t max_bytes = 0;  // of all; 0: any
    uint64_t min_free_bytes = 0;
  };

  // `records`, which outlives it, says which ones are kept and which are bad.
  SnapshotShelf(const Options& options, const model::State* state,
                SnapshotRecords* records)
      : options_(options), state_(state), records_(records) {}

  // Looks at what is there. DATA_LOSS if a snapshot has learnt more than the
  // log has, which ends at `log_end`. REQUIRES: called before all others.
  absl::Status Open(model::Sequence log_end);

  // Those on disk, the oldest first, as they were after the last change.
  std::vector<store::SnapshotInfo> Saved() const;

  bool Has(model::SnapshotVersion version) const;

  // The newest of them that is older than `version` (0: than nothing, so the
  // newest of all) and not bad; 0: there is none.
  model::SnapshotVersion NewestBefore(model::SnapshotVersion version) const;

  // A version that a client has seen must never name another snapshot, not
  // even after a crash: numbers are reserved on disk before they are used.
  absl::StatusOr<model::SnapshotVersion> NextVersion();

  // One of them, without the rows of what was erased. DATA_LOSS if it has more
  // rows than there are ids: it belongs to another log.
  absl::StatusOr<std::unique_ptr<model::Snapshot>> Load(
      model::SnapshotVersion version) const;

  // Writes one, then removes those beyond the limits, but not `pinned` and
  // those that are kept. An error is logged and counted. If only the removal
  // fails it is OK.
  absl::Status Save(const model::Snapshot& snapshot,
                    model::SnapshotVersion pinned);

  // Writes what is known of those on disk. An error is logged and counted.
  absl::Status WriteRecords();

  // Which one serves after a restart whatever is newer; 0: none. DATA_LOSS
  // names the file.
  absl::StatusOr<model::SnapshotVersion> ReadPin() const;
  absl::Status WritePin(model::SnapshotVersion version);

  // Takes the rows and the names, and what the users' histories have in the
  // lists of neighbours, out of every one. One that is damaged, and
  // for want of room an old one, is removed instead; never the newest or
  // `pinned` for want of room.
  absl::Status Erase(const std::vector<model::UserIndex>& users,
                     const std::vector<model::ItemIndex>& items,
                     const model::ItemLists& histories,
                     model::SnapshotVersion pinned);

  // Snapshots that were not saved or not pruned.
  uint64_t save_errors() const;

 private:
  // Reads the list anew.
  void Refresh();
  absl::Status EraseFrom(model::SnapshotVersion version, bool may_remove,
                         const std::vector<model::UserIndex>& users,
                         const std::vector<model::ItemIndex>& items,
                         const model::ItemLists& histories);
  store::SnapshotRetention Retention(model::SnapshotVersion pinned) const;
  void NoteFailure(absl::string_view what, model::SnapshotVersion version,
                   const absl::Status& status);

  // Constant after construction.
  const Options options_;
  const model::State* const state_;
  SnapshotRecords* const records_;

  // The caller's thread's.
  model::SnapshotVersion last_version_ = 0;
  model::SnapshotVersion reserved_through_ = 0;

  mutable absl::Mutex mutex_;
  std::vector<store::SnapshotInfo> saved_ ABSL_GUARDED_BY(mutex_);
  uint64_t save_errors_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_SNAPSHOT_SHELF_H_
