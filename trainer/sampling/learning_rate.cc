#include "trainer/sampling/learning_rate.h"

#include <algorithm>
#include <cmath>

namespace taud::trainer {
namespace {

constexpr uint32_t kStepsAPass = 256;
constexpr uint32_t kMinRows = 32;

constexpr double kRateOfOnePair = 0.156;
constexpr double kLeastRate = 0.005;
constexpr double kMostRate = 0.05;

}  // namespace

uint32_t StepRows(uint32_t pairs, uint32_t most) {
  return std::clamp(pairs / kStepsAPass, std::min(kMinRows, pairs), most);
}

double RateForDensity(size_t pairs, size_t users, size_t items) {
  const size_t rows = std::min(users, items);
  if (pairs == 0 || rows == 0) return kMostRate;
  const double density = static_cast<double>(pairs) / static_cast<double>(rows);
  return std::clamp(kRateOfOnePair / std::sqrt(density), kLeastRate, kMostRate);
}

double RateAtAge(double age, double horizon, double floor) {
  const double done = std::clamp(age / horizon, 0.0, 1.0);
  constexpr double kPi = 3.141592653589793;
  return floor + (1.0 - floor) * 0.5 * (1.0 + std::cos(kPi * done));
}

}  // namespace taud::trainer
