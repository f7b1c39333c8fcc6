#ifndef TAUD_INDEX_IVF_INDEX_H_
#define TAUD_INDEX_IVF_INDEX_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// An inverted file: items stand in lists by their nearest centroid (spherical
// k-means), and a query looks into the lists of its nearest centroids only.
// Scores are exact; what may be missed are items of lists not looked into. As
// many lists are looked into as it takes to find `min_recall` of the exact best
// 100 of sampled users: measured here, FAILED_PRECONDITION if it takes more
// than a quarter of them. Still exactly k: a query that finds too few eligible
// items scans all of them.
//
// `centroids` [lists × dim] of an earlier build are gone on from (empty: from
// scratch), and replaced by this build's. Owns its rows; reads the snapshot.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildIvfIndex(
    const model::Snapshot& snapshot, double min_recall,
    model::Matrix* centroids);

}  // namespace taud::index

#endif  // TAUD_INDEX_IVF_INDEX_H_
