#include "trainer/tensor/tensor_adam.h"

#include <c10/core/GradMode.h>

#include <utility>

#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

// [rows] → a shape that broadcasts over a row of `like`.
at::Tensor ByRow(const at::Tensor& x, const at::Tensor& like) {
  return like.dim() > 1 ? x.unsqueeze(1) : x;
}

}  // namespace

TensorAdam::TensorAdam(at::Tensor parameter)
    : parameter_(std::move(parameter)),
      moment1_(at::zeros_like(parameter_)),
      moment2_(at::zeros_like(parameter_)),
      steps_(at::zeros({parameter_.size(0)}, parameter_.options())) {}

void TensorAdam::Step(const at::Tensor& gradient, double rate) {
  c10::NoGradGuard no_grad;
  const AdamStep adam;
  moment1_.mul_(adam.beta1).add_(gradient, 1.0 - adam.beta1);
  moment2_.mul_(adam.beta2).addcmul_(gradient, gradient, 1.0 - adam.beta2);
  steps_.add_(1);
  const at::Tensor t = ByRow(steps_, parameter_);
  const at::Tensor first = moment1_ / (1.0 - at::pow(adam.beta1, t));
  const at::Tensor second = moment2_ / (1.0 - at::pow(adam.beta2, t));
  parameter_.sub_(first / (second.sqrt() + adam.epsilon) * rate);
}

void TensorAdam::StepRows(const at::Tensor& gradient, const at::Tensor& rows,
                          double rate, bool on_sphere) {
  c10::NoGradGuard no_grad;
  const AdamStep adam;
  const at::Tensor row = parameter_.index_select(0, rows);
  at::Tensor g = gradient.index_select(0, rows);
  if (on_sphere) g = g - (g * row).sum(1, /*keepdim=*/true) * row;
  const at::Tensor m =
      moment1_.index_select(0, rows) * adam.beta1 + g * (1.0 - adam.beta1);
  const at::Tensor v =
      moment2_.index_select(0, rows) * adam.beta2 + g * g * (1.0 - adam.beta2);
  const at::Tensor steps = steps_.index_select(0, rows) + 1;
  const at::Tensor t = ByRow(steps, parameter_);
  const at::Tensor first = m / (1.0 - at::pow(adam.beta1, t));
  const at::Tensor second = v / (1.0 - at::pow(adam.beta2, t));
  at::Tensor moved = row - first / (second.sqrt() + adam.epsilon) * rate;
  if (on_sphere) moved = moved / moved.norm(2, {1}, true).clamp_min(1e-12);
  parameter_.index_copy_(0, rows, moved);
  moment1_.index_copy_(0, rows, m);
  moment2_.index_copy_(0, rows, v);
  steps_.index_copy_(0, rows, steps);
}

}  // namespace taud::trainer
