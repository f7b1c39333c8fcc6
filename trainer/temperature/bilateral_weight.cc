#include "trainer/temperature/bilateral_weight.h"

#include <algorithm>

namespace taud::trainer {
namespace {

constexpr double kDense = 5.0;
constexpr double kSlope = 0.13;
constexpr double kMost = 1.25;

}  // namespace

double RhoForSparsity(double log_sparsity) {
  return std::clamp(1 + kSlope * (log_sparsity - kDense), 1.0, kMost);
}

}  // namespace taud::trainer
