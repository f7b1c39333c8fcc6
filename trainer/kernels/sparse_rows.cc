#include "trainer/kernels/sparse_rows.h"

#include <algorithm>

#include "trainer/kernels/row_sum.h"

namespace taud::trainer {

SparseRows::SparseRows(int64_t rows, const std::vector<SparseEntry>& entries,
                       bool transposed)
    : rows_(rows), columns_(entries.size()), values_(entries.size()) {
  const auto row_of = [transposed](const SparseEntry& entry) {
    return transposed ? entry.column : entry.row;
  };
  begin_.assign(static_cast<size_t>(rows) + 1, 0);
  for (const SparseEntry& entry : entries) ++begin_[row_of(entry) + 1];
  for (int64_t r = 0; r < rows; ++r) begin_[r + 1] += begin_[r];
  std::vector<int64_t> next = begin_;
  for (const SparseEntry& entry : entries) {
    const int64_t slot = next[row_of(entry)]++;
    columns_[slot] = transposed ? entry.row : entry.column;
    values_[slot] = entry.value;
  }
}

void SparseRows::Multiply(const Product& product, WorkerPool* pool,
                          float* y) const {
  const int64_t entries = begin_[rows_];
  pool->Run([&](int worker) {
    // Rows by equal shares of the entries.
    const auto first_row = [&](int64_t part) -> int64_t {
      if (part == pool->workers()) return rows_;
      const int64_t entry = entries * part / pool->workers();
      return std::lower_bound(begin_.begin(), begin_.end() - 1, entry) -
             begin_.begin();
    };
    MultiplyRows(product, first_row(worker), first_row(worker + 1), y);
  });
}

void SparseRows::MultiplyRows(const Product& product, int64_t first,
                              int64_t end, float* y) const {
  const int64_t dim = product.dim;
  std::vector<uint32_t> columns;  // of the entries that count
  std::vector<float> values;
  for (int64_t r = first; r < end; ++r) {
    if (product.wanted != nullptr && product.wanted[r] == 0) continue;
    const uint32_t* at = columns_.data() + begin_[r];
    const float* with = values_.data() + begin_[r];
    int64_t count = begin_[r + 1] - begin_[r];
    if (product.nonzero != nullptr) {
      columns.clear();
      values.clear();
      for (int64_t e = 0; e < count; ++e) {
        if (product.nonzero[at[e]] == 0) continue;
        columns.push_back(at[e]);
        values.push_back(with[e]);
      }
      at = columns.data();
      with = values.data();
      count = static_cast<int64_t>(columns.size());
    }
    const float* base =
        product.base == nullptr ? nullptr : product.base + r * dim;
    SumOfRows(product.x, at, with, count, dim, product.scale, base,
              y + r * dim);
  }
}

}  // namespace taud::trainer
