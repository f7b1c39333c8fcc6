#ifndef TAUD_INDEX_HNSW_INDEX_H_
#define TAUD_INDEX_HNSW_INDEX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// FAISS' hierarchical navigable small-world graph, 32 neighbours a node, and
// beside it the exact byte scan for what a graph cannot do: filters that forbid
// more than a few items, and deep results. The search effort is raised until
// `min_recall` of the exact best 100 of sampled users are found;
// FAILED_PRECONDITION if that takes more than 1,024. Building a graph takes
// minutes for a million items, every time.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildHnswIndex(
    const model::Snapshot& snapshot, double min_recall);

}  // namespace taud::index

#endif  // TAUD_INDEX_HNSW_INDEX_H_
