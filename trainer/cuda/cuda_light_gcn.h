#ifndef TAUD_TRAINER_CUDA_CUDA_LIGHT_GCN_H_
#define TAUD_TRAINER_CUDA_CUDA_LIGHT_GCN_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "trainer/offline/offline_learner.h"

namespace taud::trainer {

// Whether MakeCudaLearner can do it: what the loops on the CPU can, but for
// SVD++, with rows that our kernels take, in a program built with CUDA.
bool FitsCudaLearner(const OfflineFitOptions& options);

// Matrix factorisation or LightGCN with kernels of our own on the GPU
// `ordinal`, the same as MakeCpuLearner's up to rounding. UNAVAILABLE if there
// is no such GPU, RESOURCE_EXHAUSTED if its memory is too small; methods throw
// device::DeviceError where it fails later. REQUIRES: FitsCudaLearner. `train`
// must outlive the learner.
absl::StatusOr<std::unique_ptr<OfflineLearner>> MakeCudaLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, int ordinal);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_CUDA_LIGHT_GCN_H_
