#include "trainer/temperature/temperature.h"

#include <algorithm>
#include <cmath>

#include "trainer/temperature/lambert_w.h"

namespace taud::trainer {

double LogSparsity(uint64_t users, uint64_t items, uint64_t pairs) {
  if (users == 0 || items == 0 || pairs == 0) return 1.0;
  const double all = static_cast<double>(users) * static_cast<double>(items);
  return std::max(1.0, std::log(all / (2.0 * static_cast<double>(pairs))));
}

double Tau0Eq14(const CosineMoments& moments, double log_sparsity) {
  return (moments.positive_mean - moments.mean) / log_sparsity;
}

double Tau0Eq13(const CosineMoments& moments, double log_sparsity) {
  const double gap = moments.positive_mean - moments.mean;
  const double spread = moments.positive_variance - moments.variance;
  const double square = gap * gap + 2.0 * spread * log_sparsity;
  if (square < 0.0) return Tau0Eq14(moments, log_sparsity);
  // spread / (sqrt(square) − gap), multiplied out by (sqrt(square) + gap) so
  // that nothing cancels as the spread goes to zero.
  return (std::sqrt(square) + gap) / (2.0 * log_sparsity);
}

double UserTemperature(double tau0, double loss, double mean_loss,
                       double beta) {
  return tau0 * std::exp(LambertW((loss - mean_loss) / (2.0 * beta)));
}

double BoundedUserTemperature(double tau0, double loss, double mean_loss,
                              double beta) {
  return std::min(UserTemperature(tau0, loss, mean_loss, beta),
                  tau0 * 2.718281828459045);
}

}  // namespace taud::trainer
