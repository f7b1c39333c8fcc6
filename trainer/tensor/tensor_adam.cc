#include "trainer/tensor/tensor_adam.h"

#include <c10/core/GradMode.h>

#include <utility>

#include "trainer/kernels/vector_kernels.h"
#include "trainer/tensor/tensor_losses.h"

namespace taud::trainer {
namespace {

// [rows] → a shape that broadcasts over a row of `like`.
at::Tensor ByRow(const at::Tensor& x, const at::Tensor& like) {
  return like.dim() > 1 ? x.unsqueeze(1) : x;
}

}  // namespace

AdamRows AdamMove(const AdamRows& from, const at::Tensor& gradient,
                  const at::Tensor& steps, const at::Tensor& rate) {
  const AdamStep adam;
  AdamRows to;
  to.moment1 = from.moment1 * adam.beta1 + gradient * (1.0 - adam.beta1);
  to.moment2 =
      from.moment2 * adam.beta2 + gradient * gradient * (1.0 - adam.beta2);
  const at::Tensor first = to.moment1 / (1.0 - at::pow(adam.beta1, steps));
  const at::Tensor second = to.moment2 / (1.0 - at::pow(adam.beta2, steps));
  to.values = from.values - rate * first / (second.sqrt() + adam.epsilon);
  return to;
}

TensorAdam::TensorAdam(at::Tensor parameter)
    : parameter_(std::move(parameter)),
      moment1_(at::zeros_like(parameter_)),
      moment2_(at::zeros_like(parameter_)),
      steps_(at::zeros({parameter_.size(0)}, parameter_.options())) {}

void TensorAdam::Step(const at::Tensor& gradient, double rate) {
  c10::NoGradGuard no_grad;
  steps_.add_(1);
  const AdamRows moved =
      AdamMove({parameter_, moment1_, moment2_}, gradient,
               ByRow(steps_, parameter_), at::scalar_tensor(rate, at::kDouble));
  parameter_.copy_(moved.values);
  moment1_ = moved.moment1;
  moment2_ = moved.moment2;
}

void TensorAdam::StepRows(const at::Tensor& gradient, const at::Tensor& rows,
                          double rate, bool on_sphere) {
  c10::NoGradGuard no_grad;
  const at::Tensor row = parameter_.index_select(0, rows);
  at::Tensor g = gradient.index_select(0, rows);
  if (on_sphere) g = g - (g * row).sum(1, /*keepdim=*/true) * row;
  const at::Tensor steps = steps_.index_select(0, rows) + 1;
  AdamRows moved = AdamMove(
      {row, moment1_.index_select(0, rows), moment2_.index_select(0, rows)}, g,
      ByRow(steps, parameter_), at::scalar_tensor(rate, at::kDouble));
  if (on_sphere) moved.values = UnitRows(moved.values);
  parameter_.index_copy_(0, rows, moved.values);
  moment1_.index_copy_(0, rows, moved.moment1);
  moment2_.index_copy_(0, rows, moved.moment2);
  steps_.index_copy_(0, rows, steps);
}

}  // namespace taud::trainer
