#ifndef TAUD_TRAINER_TENSOR_TENSOR_MOMENTS_H_
#define TAUD_TRAINER_TENSOR_TENSOR_MOMENTS_H_

#include <ATen/ATen.h>

#include "trainer/mf/mf_learner.h"

// Includes LibTorch: for trainer/tensor/ only. Pure; any thread.

namespace taud::trainer {

// The moments of x·y over all pairs of a row of `users` [n × d] and one of
// `items` [m × d], and over the pairs of learning. Rows of zeros add nothing:
// `all` is the number of pairs of rows that are not zero. `pair_users` and
// `pair_items` are row numbers [pairs]; none: the moments of pairs stay 0.
CosineMoments TensorMoments(const at::Tensor& users, const at::Tensor& items,
                            double all, const at::Tensor& pair_users,
                            const at::Tensor& pair_items);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_TENSOR_MOMENTS_H_
