#include "trainer/kernels/sparse_rows.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

constexpr int64_t kRows = 7, kColumns = 9;

std::vector<SparseEntry> SomeEntries() {
  std::mt19937 random(3);
  std::vector<SparseEntry> entries;
  for (uint32_t row = 0; row < kRows; ++row) {
    if (row == 4) continue;  // an empty one
    for (uint32_t column = 0; column < kColumns; ++column) {
      // Row 0 has them all: more than are fetched ahead.
      if (row != 0 && random() % 3 != 0) continue;
      entries.push_back({row, column, static_cast<float>(random() % 9) - 4});
    }
  }
  return entries;
}

std::vector<float> Random(int64_t rows, int64_t dim) {
  std::mt19937 random(static_cast<uint32_t>(rows * dim));
  std::vector<float> values(static_cast<size_t>(rows * dim));
  for (float& x : values) x = static_cast<float>(random() % 1000) / 500 - 1;
  return values;
}

class SparseRowsTest : public testing::TestWithParam<int64_t> {
 protected:
  const int64_t dim_ = GetParam();
  const std::vector<SparseEntry> entries_ = SomeEntries();
  WorkerPool pool_{3};
};

TEST_P(SparseRowsTest, AProductIsThatOfTheDenseMatrix) {
  for (const bool transposed : {false, true}) {
    SCOPED_TRACE(transposed);
    const int64_t rows = transposed ? kColumns : kRows;
    const int64_t columns = transposed ? kRows : kColumns;
    const SparseRows matrix(rows, entries_, transposed);
    const std::vector<float> x = Random(columns, dim_);
    const std::vector<float> base = Random(rows, dim_);
    std::vector<float> expected = base;
    for (const SparseEntry& e : entries_) {
      const int64_t to = transposed ? e.column : e.row;
      const int64_t from = transposed ? e.row : e.column;
      for (int64_t c = 0; c < dim_; ++c) {
        expected[to * dim_ + c] += e.value * x[from * dim_ + c];
      }
    }
    SparseRows::Product product;
    product.x = x.data();
    product.dim = dim_;
    product.base = base.data();
    product.scale = 0.5f;
    std::vector<float> found(expected.size(), 99.0f);
    matrix.Multiply(product, &pool_, found.data());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(found[i], 0.5f * expected[i], 1e-4) << i;
    }
  }
}

TEST_P(SparseRowsTest, OnlyWhatIsWantedIsWritten) {
  const SparseRows matrix(kRows, entries_);
  const std::vector<float> x = Random(kColumns, dim_);
  SparseRows::Product product;
  product.x = x.data();
  product.dim = dim_;
  std::vector<float> all(static_cast<size_t>(kRows * dim_));
  matrix.Multiply(product, &pool_, all.data());
  const std::vector<uint8_t> wanted = {0, 1, 1, 0, 0, 0, 1};
  product.wanted = wanted.data();
  std::vector<float> some(all.size(), 99.0f);
  matrix.Multiply(product, &pool_, some.data());
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < dim_; ++c) {
      const int64_t i = r * dim_ + c;
      EXPECT_EQ(some[i], wanted[r] != 0 ? all[i] : 99.0f);
    }
  }
}

TEST_P(SparseRowsTest, RowsThatAreZeroNeedNotBeRead) {
  const SparseRows matrix(kRows, entries_);
  std::vector<float> x = Random(kColumns, dim_);
  const std::vector<uint8_t> nonzero = {1, 0, 0, 1, 1, 0, 1, 0, 1};
  std::vector<float> zeroed = x;
  for (int64_t r = 0; r < kColumns; ++r) {
    if (nonzero[r] != 0) continue;
    std::fill_n(&zeroed[r * dim_], dim_, 0.0f);
    std::fill_n(&x[r * dim_], dim_, 1e30f);  // shows if it is read
  }
  SparseRows::Product product;
  product.dim = dim_;
  product.x = zeroed.data();
  std::vector<float> expected(static_cast<size_t>(kRows * dim_));
  matrix.Multiply(product, &pool_, expected.data());
  product.x = x.data();
  product.nonzero = nonzero.data();
  std::vector<float> found(expected.size());
  matrix.Multiply(product, &pool_, found.data());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], 1e-5) << i;
  }
}

// Whole panels, vectors of every width, and what is left over.
INSTANTIATE_TEST_SUITE_P(Widths, SparseRowsTest,
                         testing::Values(1, 3, 8, 16, 21, 64, 100));

}  // namespace
}  // namespace taud::trainer
