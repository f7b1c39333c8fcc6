#include "trainer/kernels/embedding_table.h"

#include <algorithm>

namespace taud::trainer {

void EmbeddingTable::GrowTo(size_t rows) {
  if (rows <= updates_.size()) return;
  // std::vector::resize alone may grow to exactly what is asked for.
  if (rows > updates_.capacity()) {
    const size_t capacity = std::max(rows, 2 * updates_.capacity());
    values_.reserve(capacity * dim_);
    moment1_.reserve(capacity * dim_);
    moment2_.reserve(capacity * dim_);
    updates_.reserve(capacity);
  }
  values_.resize(rows * dim_, 0.0f);
  moment1_.resize(rows * dim_, 0.0f);
  moment2_.resize(rows * dim_, 0.0f);
  updates_.resize(rows, 0);
}

void EmbeddingTable::Assign(const std::vector<float>& values,
                            const std::vector<float>& moment1,
                            const std::vector<float>& moment2,
                            const std::vector<uint32_t>& updates) {
  values_ = values;
  moment1_ = moment1;
  moment2_ = moment2;
  updates_ = updates;
}

void EmbeddingTable::Set(size_t row, const float* values) {
  std::copy_n(values, dim_, Row(row));
  std::fill_n(Moment1(row), dim_, 0.0f);
  std::fill_n(Moment2(row), dim_, 0.0f);
  updates_[row] = 0;
}

}  // namespace taud::trainer
