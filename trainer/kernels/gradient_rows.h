#ifndef TAUD_TRAINER_KERNELS_GRADIENT_ROWS_H_
#define TAUD_TRAINER_KERNELS_GRADIENT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace taud::trainer {

// Gradients of the rows that one step touches, those of the same row summed.
// A dense array says where each row of the table has its sum, so that finding
// duplicates costs neither sorting nor hashing. Thread-compatible.
class GradientRows {
 public:
  explicit GradientRows(int dim) : dim_(dim) {}

  // Forgets all sums. `table_rows` bounds the rows that Add will be given.
  void Reset(size_t table_rows);
  // Adds `gradients` [rows.size() × dim] to the sums of `rows`.
  void Add(const std::vector<uint32_t>& rows, const float* gradients);

  // The distinct rows in order of first appearance, and their sums.
  const std::vector<uint32_t>& rows() const { return rows_; }
  const float* Sum(size_t i) const { return &sums_[i * dim_]; }

 private:
  const size_t dim_;
  std::vector<uint32_t> rows_;
  std::vector<float> sums_;       // [rows × dim], and spare room
  std::vector<int32_t> slot_of_;  // [table rows] index into rows_, or −1
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_GRADIENT_ROWS_H_
