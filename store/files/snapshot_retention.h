#ifndef TAUD_STORE_FILES_SNAPSHOT_RETENTION_H_
#define TAUD_STORE_FILES_SNAPSHOT_RETENTION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/types.h"

namespace taud::store {

// Which snapshots stay on disk: every one for minutes, then the last one of an
// hour, then the last one of a day. Pure.

struct SnapshotRetention {
  size_t keep = 1;  // the newest ones, damaged ones counted
  // So many hours, and days, have their last one kept; counted back over those
  // that have one.
  size_t hourly = 0;
  size_t daily = 0;
  // Of all together; the newest and `stay` remain, whatever they need. 0: any.
  uint64_t max_bytes = 0;
  std::vector<model::SnapshotVersion> stay;
  // Of these the newest one is kept, and it counts as none of the others.
  std::vector<model::SnapshotVersion> aside;
};

struct SnapshotOnDisk {
  model::SnapshotVersion version = 0;
  int64_t created_ms = 0;  // 0: damaged
  uint64_t bytes = 0;
};

// Those of `saved` (ascending versions) that are to be removed, ascending.
std::vector<model::SnapshotVersion> Superfluous(
    const std::vector<SnapshotOnDisk>& saved,
    const SnapshotRetention& retention);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_SNAPSHOT_RETENTION_H_
