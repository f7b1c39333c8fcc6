#ifndef TAUD_INDEX_GPU_RANKER_H_
#define TAUD_INDEX_GPU_RANKER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "index/row_ranker.h"
#include "model/snapshot.h"

namespace taud::index {

// Whether this program was built with FAISS for GPUs, and CUDA finds one. Any
// thread.
bool HasGpu();

// Ranks the rows on the first GPU, where they are copied to. UNAVAILABLE if
// there is none, RESOURCE_EXHAUSTED if its memory is too small.
absl::StatusOr<std::unique_ptr<RowRanker>> MakeGpuRanker(
    const model::Matrix& rows);

}  // namespace taud::index

#endif  // TAUD_INDEX_GPU_RANKER_H_
