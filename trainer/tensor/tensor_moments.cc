#include "trainer/tensor/tensor_moments.h"

namespace taud::trainer {

CosineMoments TensorMoments(const at::Tensor& users, const at::Tensor& items,
                            double all, const at::Tensor& pair_users,
                            const at::Tensor& pair_items) {
  CosineMoments moments;
  if (all > 0) {
    moments.mean = users.sum(0).dot(items.sum(0)).item<double>() / all;
    // Σ (x·y)² is the inner product of the two Gram matrices [d × d].
    const double square = (users.t().matmul(users) * items.t().matmul(items))
                              .sum()
                              .item<double>() /
                          all;
    moments.variance = square - moments.mean * moments.mean;
  }
  if (pair_users.numel() == 0) return moments;
  const at::Tensor f =
      (users.index_select(0, pair_users) * items.index_select(0, pair_items))
          .sum(1);
  moments.positive_mean = f.mean().item<double>();
  moments.positive_variance = f.var(/*unbiased=*/false).item<double>();
  return moments;
}

}  // namespace taud::trainer
