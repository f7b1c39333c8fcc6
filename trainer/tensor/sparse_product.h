#ifndef TAUD_TRAINER_TENSOR_SPARSE_PRODUCT_H_
#define TAUD_TRAINER_TENSOR_SPARSE_PRODUCT_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "trainer/kernels/sparse_rows.h"
#include "trainer/kernels/worker_pool.h"

// Includes LibTorch: for trainer/tensor/ only.

namespace taud::trainer {

// A constant sparse matrix on a device, to multiply dense ones with: on the
// CPU by SparseRows on a pool's threads, elsewhere by LibTorch.
// Immutable; one product at a time.
class SparseMatrix {
 public:
  // Entries in any order, at most one a position. `pool` must outlive it.
  SparseMatrix(int64_t rows, int64_t columns, std::vector<SparseEntry> entries,
               const at::Device& device, WorkerPool* pool);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

  // this · x and thisᵀ · x, without autograd. x [columns × d], [rows × d],
  // float, on the device.
  at::Tensor Times(const at::Tensor& x) const;
  at::Tensor TransposedTimes(const at::Tensor& x) const;

 private:
  // One of the two directions.
  struct Direction {
    SparseRows rows;
    at::Tensor tensor;  // the same, elsewhere than on the CPU
  };
  static Direction Compress(int64_t rows, int64_t columns,
                            const std::vector<SparseEntry>& entries,
                            bool transposed, const at::Device& device);
  at::Tensor Multiply(const Direction& direction, const at::Tensor& x) const;

  const int64_t rows_, columns_;
  WorkerPool* const pool_;
  Direction straight_, transposed_;
};

// matrix · x with autograd.
at::Tensor SparseProduct(const std::shared_ptr<const SparseMatrix>& matrix,
                         const at::Tensor& x);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_SPARSE_PRODUCT_H_
