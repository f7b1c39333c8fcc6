#include "trainer/tensor/sparse_product.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

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

SparseMatrix::Direction SparseMatrix::Compress(
    int64_t rows, int64_t columns, const std::vector<SparseEntry>& entries,
    bool transposed, const at::Device& device) {
  Direction direction;
  direction.rows = SparseRows(rows, entries, transposed);
  if (device.is_cpu()) return direction;

  const SparseRows& from = direction.rows;
  const int64_t count = static_cast<int64_t>(entries.size());
  at::Tensor where = at::empty({2, count}, at::kLong);
  int64_t* const at_rows = where.data_ptr<int64_t>();
  for (int64_t r = 0; r < rows; ++r) {
    std::fill(at_rows + from.begin()[r], at_rows + from.begin()[r + 1], r);
  }
  std::copy(from.columns().begin(), from.columns().end(), at_rows + count);
  const at::Tensor values = at::from_blob(const_cast<float*>(  // only read
                                              from.values().data()),
                                          {count}, at::kFloat)
                                .to(device);
  direction.tensor =
      at::sparse_coo_tensor(where.to(device), values, {rows, columns})
          .coalesce();
  return direction;
}

at::Tensor SparseMatrix::Times(const at::Tensor& x) const {
  return Multiply(straight_, x);
}

at::Tensor SparseMatrix::TransposedTimes(const at::Tensor& x) const {
  return Multiply(transposed_, x);
}

at::Tensor SparseMatrix::Multiply(const Direction& direction,
                                  const at::Tensor& x) const {
  c10::NoGradGuard no_grad;
  if (direction.tensor.defined()) return at::mm(direction.tensor, x);
  const at::Tensor from = x.contiguous();
  at::Tensor result =
      at::empty({direction.rows.rows(), from.size(1)}, from.options());
  SparseRows::Product product;
  product.x = from.data_ptr<float>();
  product.dim = from.size(1);
  direction.rows.Multiply(product, pool_, result.data_ptr<float>());
  return result;
}

at::Tensor SparseProduct(const std::shared_ptr<const SparseMatrix>& matrix,
                         const at::Tensor& x) {
  return ProductFunction::apply(matrix, x);
}

}  // namespace taud::trainer
