#ifndef TAUD_TRAINER_GRAPH_LINEAR_CPU_BACKBONE_H_
#define TAUD_TRAINER_GRAPH_LINEAR_CPU_BACKBONE_H_

#include <cstdint>
#include <memory>

#include "model/item_lists.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_options.h"

namespace taud::trainer {

// A backbone whose representations are a constant linear map of its
// parameters, R = P E, on the CPU: the same ones as AutogradBackbone's, with
// P E and Pᵀ G written out instead of autograd. R has the users' rows, then
// the items'; E begins with theirs. All row-major, dim wide.
//
// Thread-compatible; keeps its scratch memory.
class LinearCpuBackbone {
 public:
  virtual ~LinearCpuBackbone() = default;

  // Rows of E.
  virtual int64_t parameters() const = 0;

  // r = P e. Only the rows that `wanted` [users + items] marks need be right;
  // null: all.
  virtual void Forward(const float* e, const uint8_t* wanted, float* r) = 0;

  // d = Pᵀ g. The rows of g that `nonzero` [users + items] does not mark are
  // zero.
  virtual void Backward(const float* g, const uint8_t* nonzero, float* d) = 0;
};

// LightGCN or one side of SVD++, without message dropout. `pool` does the
// products and outlives it. REQUIRES: options.backbone is one of them, and
// options.layers >= 1.
std::unique_ptr<LinearCpuBackbone> MakeLinearCpuBackbone(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, WorkerPool* pool);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_GRAPH_LINEAR_CPU_BACKBONE_H_
