#ifndef TAUD_TRAINER_KERNELS_SPARSE_ROWS_H_
#define TAUD_TRAINER_KERNELS_SPARSE_ROWS_H_

#include <cstdint>
#include <vector>

#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {

struct SparseEntry {
  uint32_t row, column;
  float value;
};

// A constant sparse matrix S on the CPU, by rows, to multiply dense ones with.
// Immutable; any thread.
class SparseRows {
 public:
  SparseRows() = default;
  // Entries in any order, at most one a position. `transposed`: of their
  // transpose, whose rows `rows` then counts.
  SparseRows(int64_t rows, const std::vector<SparseEntry>& entries,
             bool transposed = false);

  int64_t rows() const { return rows_; }
  // Row r has the entries [begin()[r], begin()[r + 1]) of the two lists.
  const std::vector<int64_t>& begin() const { return begin_; }
  const std::vector<uint32_t>& columns() const { return columns_; }
  const std::vector<float>& values() const { return values_; }

  struct Product {
    const float* x = nullptr;  // [columns × dim]
    int64_t dim = 0;
    // [rows × dim], added, or null.
    const float* base = nullptr;
    float scale = 1;
    // [rows]: not 0 for the rows of the product that are wanted, the others
    // stay as they are; null: all.
    const uint8_t* wanted = nullptr;
    // [columns]: 0 for rows of x that are zero and need not be read; null: any
    // may be something.
    const uint8_t* nonzero = nullptr;
  };
  // y = scale · (base + S x), [rows × dim], on the threads of the pool. y is
  // neither x nor base.
  void Multiply(const Product& product, WorkerPool* pool, float* y) const;

 private:
  void MultiplyRows(const Product& product, int64_t first, int64_t end,
                    float* y) const;

  int64_t rows_ = 0;
  std::vector<int64_t> begin_ = {0};  // [rows + 1]
  std::vector<uint32_t> columns_;
  std::vector<float> values_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_SPARSE_ROWS_H_
