#ifndef TAUD_TRAINER_TENSOR_CONTRAST_H_
#define TAUD_TRAINER_TENSOR_CONTRAST_H_

#include <ATen/ATen.h>

#include <memory>

#include "model/item_lists.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_options.h"
#include "trainer/tensor/autograd_backbone.h"

// Includes LibTorch: for trainer/tensor/ only.

namespace taud::trainer {

// The contrastive losses that Adap-τ's Figure 5 compares with, beside the main
// loss of a graph backbone. Thread-compatible.
class ContrastiveLoss {
 public:
  virtual ~ContrastiveLoss() = default;
  // Before each epoch.
  virtual void StartEpoch(AutogradBackbone* backbone) = 0;
  // A scalar with autograd, the mean over the distinct users and items of the
  // batch; `main` is the forward pass of the main loss.
  virtual at::Tensor Compute(AutogradBackbone* backbone,
                             const Representations& main,
                             const at::Tensor& users,
                             const at::Tensor& items) = 0;
};

// SGL (Wu et al., SIGIR 2021): two graphs with edges dropped, drawn for each
// epoch. SimGCL (Yu et al., SIGIR 2022): two passes with noise. NCL (Lin et
// al., WWW 2022): the second layer against the row itself (Eq. 6), and the row
// against the centre of its cluster (Eq. 11), clustered for each epoch.
// Null for Contrast::kNone. REQUIRES: the backbone is LightGCN.
std::unique_ptr<ContrastiveLoss> MakeContrast(const OfflineFitOptions& options,
                                              const model::ItemLists& train,
                                              uint32_t num_items,
                                              const at::Device& device,
                                              WorkerPool* pool);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_CONTRAST_H_
