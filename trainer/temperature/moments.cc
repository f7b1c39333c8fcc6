#include "trainer/temperature/moments.h"

#include "trainer/kernels/blas.h"
#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

std::vector<double> Sum(int64_t dim, const UnitRows& side) {
  std::vector<double> sum(static_cast<size_t>(dim), 0.0);
  for (size_t row = 0; row < side.rows; ++row) {
    const float* values = side.values + row * static_cast<size_t>(dim);
    for (int64_t c = 0; c < dim; ++c) sum[c] += values[c];
  }
  return sum;
}

std::vector<float> SecondMoment(int64_t dim, const UnitRows& side) {
  std::vector<float> product(static_cast<size_t>(dim * dim), 0.0f);
  MatrixProduct(true, false, dim, dim, static_cast<int64_t>(side.rows),
                side.values, side.values, 0.0f, product.data());
  return product;
}

}  // namespace

CosineMoments ComputeMoments(int dim, const UnitRows& users,
                             const UnitRows& items,
                             const std::vector<uint32_t>& pair_users,
                             const std::vector<uint32_t>& pair_items) {
  CosineMoments moments;
  if (users.trained > 0 && items.trained > 0) {
    const double all =
        static_cast<double>(users.trained) * static_cast<double>(items.trained);
    const std::vector<double> user_sum = Sum(dim, users);
    const std::vector<double> item_sum = Sum(dim, items);
    for (int c = 0; c < dim; ++c) moments.mean += user_sum[c] * item_sum[c];
    moments.mean /= all;
    const std::vector<float> user_second = SecondMoment(dim, users);
    const std::vector<float> item_second = SecondMoment(dim, items);
    double square = 0;
    for (size_t c = 0; c < user_second.size(); ++c) {
      square += double{user_second[c]} * item_second[c];
    }
    moments.variance = square / all - moments.mean * moments.mean;
  }
  if (!pair_users.empty()) {
    double sum = 0;
    double square = 0;
    for (size_t k = 0; k < pair_users.size(); ++k) {
      const double f = Dot(users.values + size_t{pair_users[k]} * dim,
                           items.values + size_t{pair_items[k]} * dim, dim);
      sum += f;
      square += f * f;
    }
    const double count = static_cast<double>(pair_users.size());
    moments.positive_mean = sum / count;
    moments.positive_variance =
        square / count - moments.positive_mean * moments.positive_mean;
  }
  return moments;
}

}  // namespace taud::trainer
