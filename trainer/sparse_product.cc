#include "trainer/sparse_product.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

#include "trainer/vector_kernels.h"

namespace taud::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Keeps the matrix alive until the backward pass.
struct Holder : torch::CustomClassHolder {
  explicit Holder(std::shared_ptr<const SparseMatrix> held)
      : matrix(std::move(held)) {}
  const std::shared_ptr<const SparseMatrix> matrix;
};

struct ProductFunction : torch::autograd::Function<ProductFunction> {
  static Variable forward(AutogradContext* context,
                          std::shared_ptr<const SparseMatrix> matrix,
                          const Variable& x) {
    context->saved_data["matrix"] =
        c10::IValue::make_capsule(c10::make_intrusive<Holder>(matrix));
    return matrix->Times(x);
  }
  static variable_list backward(AutogradContext* context,
                                variable_list gradients) {
    const auto holder = c10::static_intrusive_pointer_cast<Holder>(
        context->saved_data["matrix"].toCapsule());
    return {Variable(), holder->matrix->TransposedTimes(gradients[0])};
  }
};

}  // namespace

SparseMatrix::SparseMatrix(int64_t rows, int64_t columns,
                           std::vector<SparseEntry> entries,
                           const at::Device& device, WorkerPool* pool)
    : rows_(rows), columns_(columns), pool_(pool) {
  straight_ = Compress(rows, columns, entries, false, device);
  transposed_ = Compress(columns, rows, entries, true, device);
}

SparseMatrix::Rows SparseMatrix::Compress(
    int64_t rows, int64_t columns, const std::vector<SparseEntry>& entries,
    bool transposed, const at::Device& device) const {
  Rows matrix;
  const auto row_of = [transposed](const SparseEntry& entry) {
    return transposed ? entry.column : entry.row;
  };
  matrix.begin.assign(static_cast<size_t>(rows) + 1, 0);
  for (const SparseEntry& entry : entries) ++matrix.begin[row_of(entry) + 1];
  for (int64_t r = 0; r < rows; ++r) matrix.begin[r + 1] += matrix.begin[r];
  std::vector<int64_t> next = matrix.begin;
  matrix.columns.resize(entries.size());
  matrix.values.resize(entries.size());
  for (const SparseEntry& entry : entries) {
    const int64_t slot = next[row_of(entry)]++;
    matrix.columns[slot] = transposed ? entry.row : entry.column;
    matrix.values[slot] = entry.value;
  }
  if (device.is_cpu()) return matrix;

  const int64_t count = static_cast<int64_t>(entries.size());
  at::Tensor where = at::empty({2, count}, at::kLong);
  int64_t* const at_rows = where.data_ptr<int64_t>();
  for (int64_t r = 0; r < rows; ++r) {
    std::fill(at_rows + matrix.begin[r], at_rows + matrix.begin[r + 1], r);
  }
  std::copy(matrix.columns.begin(), matrix.columns.end(), at_rows + count);
  const at::Tensor values =
      at::from_blob(matrix.values.data(), {count}, at::kFloat).to(device);
  matrix.tensor =
      at::sparse_coo_tensor(where.to(device), values, {rows, columns})
          .coalesce();
  return matrix;
}

at::Tensor SparseMatrix::Times(const at::Tensor& x) const {
  return Multiply(straight_, rows_, x);
}

at::Tensor SparseMatrix::TransposedTimes(const at::Tensor& x) const {
  return Multiply(transposed_, columns_, x);
}

at::Tensor SparseMatrix::Multiply(const Rows& matrix, int64_t rows,
                                  const at::Tensor& x) const {
  at::NoGradGuard no_grad;
  if (matrix.tensor.defined()) return at::mm(matrix.tensor, x);
  const at::Tensor from = x.contiguous();
  const int64_t dim = from.size(1);
  at::Tensor product = at::zeros({rows, dim}, from.options());
  const float* const input = from.data_ptr<float>();
  float* const output = product.data_ptr<float>();
  const int64_t entries = matrix.begin[rows];
  pool_->Run([&](int worker) {
    // Rows by equal shares of the entries.
    const auto first_row = [&](int64_t part) {
      const int64_t entry = entries * part / pool_->workers();
      return std::lower_bound(matrix.begin.begin(), matrix.begin.end() - 1,
                              entry) -
             matrix.begin.begin();
    };
    const int64_t end =
        worker + 1 == pool_->workers() ? rows : first_row(worker + 1);
    for (int64_t r = first_row(worker); r < end; ++r) {
      for (int64_t e = matrix.begin[r]; e < matrix.begin[r + 1]; ++e) {
        AddScaled(matrix.values[e], input + matrix.columns[e] * dim, dim,
                  output + r * dim);
      }
    }
  });
  return product;
}

at::Tensor SparseProduct(const std::shared_ptr<const SparseMatrix>& matrix,
                         const at::Tensor& x) {
  return ProductFunction::apply(matrix, x);
}

}  // namespace taud::trainer
