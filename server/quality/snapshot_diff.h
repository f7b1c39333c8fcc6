#ifndef TAUD_SERVER_QUALITY_SNAPSHOT_DIFF_H_
#define TAUD_SERVER_QUALITY_SNAPSHOT_DIFF_H_

#include "model/dictionary.h"
#include "model/snapshot.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// How `to` differs from `from`, by vectors alone: a sample of users' ten best
// items and of items' ten nearest, the rows, the temperatures. Of both
// SnapshotInfo only the version is filled in. O(sample × items): at most some
// hundred million products. Pure but for the names, which `items` gives.
v1::SnapshotDiff DiffSnapshots(const model::Snapshot& from,
                               const model::Snapshot& to,
                               const model::Dictionary& items);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_SNAPSHOT_DIFF_H_
