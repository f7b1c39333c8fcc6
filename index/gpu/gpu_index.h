#ifndef TAUD_INDEX_GPU_GPU_INDEX_H_
#define TAUD_INDEX_GPU_GPU_INDEX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// Whether rows of this width can be searched by BuildGpuIndex.
bool FitsGpuIndex(size_t dim);

// Exact search on the GPU `ordinal`, filters and all, that never writes the
// scores down:
//
// 1. All rows are scored in half precision on the tensor cores, and of each
//    group of 8, 16 or 32 rows the greatest score is kept, filters applied.
// 2. At least k rows score no less than the k-th greatest of these maxima. By
//    how much half precision can be off is known (Cauchy-Schwarz, from what it
//    lost of each row and of the query), so every row that can be among the k
//    best is in a group whose maximum reaches that threshold less the error.
// 3. The rows of those groups, some hundreds, are scored exactly, products of
//    floats summed as doubles, and sorted.
//
// Where too many rows are too close to tell apart (vectors that are all alike)
// the query is answered on the CPU, as exactly.
//
// Calls from several threads wait for each other. All indexes of a GPU share
// one stream and its scratch memory; what an index frees the next one uses.
// UNAVAILABLE if the program was built without CUDA, or there is no such GPU;
// RESOURCE_EXHAUSTED if its memory is too small; INTERNAL for other errors.
// Search is UNAVAILABLE where the GPU fails. Reads the snapshot, which must
// outlive the index.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildGpuIndex(
    const model::Snapshot& snapshot, int ordinal);

}  // namespace taud::index

#endif  // TAUD_INDEX_GPU_GPU_INDEX_H_
