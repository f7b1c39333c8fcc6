#ifndef TAUD_BENCH_FAISS_GPU_RANKER_H_
#define TAUD_BENCH_FAISS_GPU_RANKER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "bench/row_ranker.h"
#include "model/snapshot.h"

namespace taud::index {

// FAISS' flat search on the GPU `ordinal`, where the rows are copied to: what
// ours (gpu_index.h) is measured against, in bench/gpu_search_bench. It serves
// nobody: it has no filters and gives 2,048 results at most. UNAVAILABLE if
// there is no such GPU or FAISS knows none, RESOURCE_EXHAUSTED if its memory is
// too small.
absl::StatusOr<std::unique_ptr<RowRanker>> MakeFaissGpuRanker(
    const model::Matrix& rows, int ordinal);

}  // namespace taud::index

#endif  // TAUD_BENCH_FAISS_GPU_RANKER_H_
