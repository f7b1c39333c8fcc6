#ifndef TAUD_TRAINER_CUDA_CUDA_MF_H_
#define TAUD_TRAINER_CUDA_CUDA_MF_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {

// Whether MakeCudaMf can learn rows of this width: the program was built with
// CUDA, and they are not too wide.
bool FitsCudaMf(int dim);

// Matrix factorisation with kernels of our own on the GPU `ordinal`: tables,
// optimiser, dropout, softmax and gradients are there, in float; a step sends
// the batch and gets its losses back. Needs no LibTorch. The same steps on the
// same GPU give the same bits, because every sum has a fixed order.
//
// UNAVAILABLE if there is no such GPU, RESOURCE_EXHAUSTED if its memory is too
// small. Its methods throw device::CudaError, a std::runtime_error, where the
// GPU fails later.
absl::StatusOr<std::unique_ptr<MfLearner>> MakeCudaMf(int dim, int ordinal);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_CUDA_MF_H_
