#ifndef TAUD_TRAINER_TENSOR_AUTOGRAD_BACKBONE_H_
#define TAUD_TRAINER_TENSOR_AUTOGRAD_BACKBONE_H_

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "model/item_lists.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_options.h"
#include "trainer/tensor/sparse_product.h"

// Includes LibTorch: for trainer/tensor/ only.

namespace taud::trainer {

// The representations that f(u, i) is taken of: users [n × width], items
// [m × width].
struct Representations {
  at::Tensor users, items;
  // Graph backbones: E^(0) … E^(K), [(n + m) × d] each.
  std::vector<at::Tensor> layers;
};

// From parameters to representations, with autograd. Thread-compatible.
class AutogradBackbone {
 public:
  virtual ~AutogradBackbone() = default;

  // Leaves that require gradients. First the tables of users and items that
  // have a row each, then the rest.
  const std::vector<at::Tensor>& tables() const { return tables_; }
  const std::vector<at::Tensor>& weights() const { return weights_; }

  // `training` turns message dropout on.
  virtual Representations Forward(bool training) = 0;

  // Whether a step moves only the rows of its batch (matrix factorisation).
  virtual bool rows_are_apart() const { return false; }
  // Graph backbones propagate over another graph for a contrastive view.
  virtual Representations ForwardOver(
      const std::shared_ptr<const SparseMatrix>& graph);
  // With every layer moved by `noise` in a random direction of the signs of
  // its values (SimGCL, Yu et al., SIGIR 2022, Eq. 6–7).
  virtual Representations ForwardWithNoise(double noise);

 protected:
  std::vector<at::Tensor> tables_, weights_;
};

// The backbone that options.backbone names, its rows on `device`. Users without
// training items, and items of nobody, have rows that stay zero. `pool` does
// the sparse products of a CPU and outlives it. Throws what LibTorch throws.
std::unique_ptr<AutogradBackbone> MakeBackbone(const OfflineFitOptions& options,
                                               const model::ItemLists& train,
                                               uint32_t num_items,
                                               const at::Device& device,
                                               WorkerPool* pool);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_AUTOGRAD_BACKBONE_H_
