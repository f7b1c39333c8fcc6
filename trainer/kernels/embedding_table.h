#ifndef TAUD_TRAINER_KERNELS_EMBEDDING_TABLE_H_
#define TAUD_TRAINER_KERNELS_EMBEDDING_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace taud::trainer {

// The rows of all users, or of all items, with the state of their optimiser.
// A row that was never set is zero and takes no part in learning.
//
// Thread-compatible; different rows may be written by different threads.
class EmbeddingTable {
 public:
  explicit EmbeddingTable(int dim) : dim_(dim) {}

  int dim() const { return dim_; }
  size_t rows() const { return updates_.size(); }

  // Adds zero rows until there are `rows`. Amortised O(new rows).
  void GrowTo(size_t rows);

  const float* values() const { return values_.data(); }  // [rows × dim]
  const float* Row(size_t row) const { return &values_[row * dim_]; }
  float* Row(size_t row) { return &values_[row * dim_]; }
  float* Moment1(size_t row) { return &moment1_[row * dim_]; }
  float* Moment2(size_t row) { return &moment2_[row * dim_]; }
  // Optimiser steps that moved the row.
  uint32_t& Updates(size_t row) { return updates_[row]; }

  // The whole arrays, as above; the vectors' sizes are those of `values`.
  const std::vector<float>& all_values() const { return values_; }
  const std::vector<float>& all_moments1() const { return moment1_; }
  const std::vector<float>& all_moments2() const { return moment2_; }
  const std::vector<uint32_t>& all_updates() const { return updates_; }
  // Replaces everything. REQUIRES: [updates.size() × dim] values and moments.
  void Assign(const std::vector<float>& values,
              const std::vector<float>& moment1,
              const std::vector<float>& moment2,
              const std::vector<uint32_t>& updates);

  // Replaces the row by `values` [dim] and forgets its optimiser state.
  void Set(size_t row, const float* values);

 private:
  const size_t dim_;
  std::vector<float> values_, moment1_, moment2_;  // [rows × dim]
  std::vector<uint32_t> updates_;                  // [rows]
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_EMBEDDING_TABLE_H_
