#ifndef TAUD_TRAINER_SPARSE_PRODUCT_H_
#define TAUD_TRAINER_SPARSE_PRODUCT_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "trainer/worker_pool.h"

// Includes LibTorch: for trainer/*.cc only.

namespace taud::trainer {

struct SparseEntry {
  uint32_t row, column;
  float value;
};

// A constant sparse matrix on a device, to multiply dense ones with: on the
// CPU by loops over its rows on a pool's threads, elsewhere by LibTorch.
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
  // Compressed sparse rows.
  struct Rows {
    std::vector<int64_t> begin;  // [rows + 1]
    std::vector<uint32_t> columns;
    std::vector<float> values;
    at::Tensor tensor;  // elsewhere than on the CPU
  };
  Rows Compress(int64_t rows, int64_t columns,
                const std::vector<SparseEntry>& entries, bool transposed,
                const at::Device& device) const;
  at::Tensor Multiply(const Rows& matrix, int64_t rows,
                      const at::Tensor& x) const;

  const int64_t rows_, columns_;
  WorkerPool* const pool_;
  Rows straight_, transposed_;
};

// matrix · x with autograd.
at::Tensor SparseProduct(const std::shared_ptr<const SparseMatrix>& matrix,
                         const at::Tensor& x);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SPARSE_PRODUCT_H_
