#include "server/quality/estimates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace taud::server {
namespace {

constexpr double kNormal95 = 1.959963984540054;

double LogChoose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

}  // namespace

v1::Estimate ShareEstimate(double value, double events) {
  v1::Estimate estimate;
  estimate.set_value(value);
  estimate.set_high(1);
  if (events <= 0) return estimate;
  const double z2 = kNormal95 * kNormal95;
  const double scale = 1 + z2 / events;
  const double centre = (value + z2 / (2 * events)) / scale;
  const double half =
      kNormal95 / scale *
      std::sqrt(value * (1 - value) / events + z2 / (4 * events * events));
  estimate.set_low(std::max(0.0, centre - half));
  estimate.set_high(std::min(1.0, centre + half));
  return estimate;
}

double OneSidedMcNemar(uint64_t only_a, uint64_t only_b) {
  const uint64_t all = only_a + only_b;
  if (all == 0) return 1;
  const auto n = static_cast<double>(all);
  double sum = 0;
  for (uint64_t k = only_a; k <= all; ++k) {
    sum += std::exp(LogChoose(n, static_cast<double>(k)) - n * std::log(2.0));
  }
  return std::min(1.0, sum);
}

double McNemar(uint64_t only_a, uint64_t only_b) {
  return std::min(1.0, 2 * OneSidedMcNemar(std::max(only_a, only_b),
                                           std::min(only_a, only_b)));
}

double PopulationStability(const std::vector<double>& reference,
                           const std::vector<double>& now) {
  const double all_reference =
      std::accumulate(reference.begin(), reference.end(), 0.0);
  const double all_now = std::accumulate(now.begin(), now.end(), 0.0);
  if (all_reference <= 0 || all_now <= 0) return 0;
  const double bins =
      static_cast<double>(std::min(reference.size(), now.size()));
  double psi = 0;
  for (size_t b = 0; b < static_cast<size_t>(bins); ++b) {
    const double p = (reference[b] + .5) / (all_reference + .5 * bins);
    const double q = (now[b] + .5) / (all_now + .5 * bins);
    psi += (q - p) * std::log(q / p);
  }
  return psi;
}

FadingMean::FadingMean(double life) : keep_(std::exp(-1 / life)) {}

void FadingMean::Add(double value) {
  weight_ = weight_ * keep_ + 1;
  squares_ = squares_ * keep_ * keep_ + 1;
  sum_ = sum_ * keep_ + value;
  sum_of_squares_ = sum_of_squares_ * keep_ + value * value;
}

v1::Estimate FadingMean::Mean() const {
  v1::Estimate estimate;
  estimate.set_value(mean());
  estimate.set_low(mean());
  estimate.set_high(mean());
  if (events() <= 1) return estimate;
  const double variance =
      std::max(0.0, sum_of_squares_ / weight_ - mean() * mean());
  const double half = kNormal95 * std::sqrt(variance / events());
  estimate.set_low(mean() - half);
  estimate.set_high(mean() + half);
  return estimate;
}

}  // namespace taud::server
