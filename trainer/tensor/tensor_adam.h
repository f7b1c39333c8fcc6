#ifndef TAUD_TRAINER_TENSOR_TENSOR_ADAM_H_
#define TAUD_TRAINER_TENSOR_TENSOR_ADAM_H_

#include <ATen/ATen.h>

// Includes LibTorch: for trainer/tensor/ only.

namespace taud::trainer {

// Adam's step of some rows. Pure.
struct AdamRows {
  at::Tensor values, moment1, moment2;  // [rows × d] or [rows]
};
// Moves `from` down `gradient`; `steps` counts this one, `rate` is the learning
// rate: both are numbers by row, of a shape that broadcasts over the values.
// The only Adam of this room. On the CPU it is kernels/row_adam.h, on a GPU
// cuda/row_kernels.cu; tests compare them with this one.
AdamRows AdamMove(const AdamRows& from, const at::Tensor& gradient,
                  const at::Tensor& steps, const at::Tensor& rate);

// Adam (Kingma and Ba, 2015) on one tensor: on all of it, or on some of its
// rows with a count of steps for each row, as RowAdamStep. Thread-compatible.
class TensorAdam {
 public:
  // `parameter` [rows × d] or [rows] is the leaf to move, shared.
  explicit TensorAdam(at::Tensor parameter);

  // Moves every row down `gradient`, of the parameter's shape.
  void Step(const at::Tensor& gradient, double rate);
  // Moves `rows` (distinct indices) only. With `on_sphere` the step is taken
  // along the sphere and the rows return to unit norm.
  void StepRows(const at::Tensor& gradient, const at::Tensor& rows, double rate,
                bool on_sphere);

 private:
  at::Tensor parameter_;
  at::Tensor moment1_, moment2_;  // as the parameter
  at::Tensor steps_;              // [rows]
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_TENSOR_ADAM_H_
