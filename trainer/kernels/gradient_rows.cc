#include "trainer/kernels/gradient_rows.h"

#include <algorithm>

#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {

void GradientRows::Reset(size_t table_rows) {
  for (const uint32_t row : rows_) slot_of_[row] = -1;
  rows_.clear();
  if (slot_of_.size() < table_rows) slot_of_.resize(table_rows, -1);
}

void GradientRows::Add(const std::vector<uint32_t>& rows,
                       const float* gradients) {
  const size_t needed = (rows_.size() + rows.size()) * dim_;
  if (sums_.size() < needed) sums_.resize(needed);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* gradient = gradients + i * dim_;
    int32_t& slot = slot_of_[rows[i]];
    if (slot < 0) {
      slot = static_cast<int32_t>(rows_.size());
      rows_.push_back(rows[i]);
      std::copy_n(gradient, dim_, &sums_[slot * dim_]);
    } else {
      AddScaled(1.0f, gradient, static_cast<int64_t>(dim_),
                &sums_[slot * dim_]);
    }
  }
}

}  // namespace taud::trainer
