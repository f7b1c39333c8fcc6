#ifndef TAUD_LAB_SEARCH_LIMIT_H_
#define TAUD_LAB_SEARCH_LIMIT_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "model/snapshot.h"

namespace taud::lab {

// What FAISS' flat index does alone, in this process, with nothing around it.
struct SearchLimit {
  double queries_per_second = 0;  // of all threads together
  double lone_p50_ms = 0;         // one query, one thread
};

// Searches for `k` of the items of `snapshot` with its users as queries, in
// batches of `batch`, on `threads` threads at a time, for `seconds`; and alone
// for as long. `snapshot` has at least `batch` users.
absl::StatusOr<SearchLimit> MeasureSearchLimit(const model::Snapshot& snapshot,
                                               size_t k, size_t batch,
                                               int threads, double seconds);

// See index/vector_instructions.h.
void RestartWithVectorInstructions(char** argv);

}  // namespace taud::lab

#endif  // TAUD_LAB_SEARCH_LIMIT_H_
