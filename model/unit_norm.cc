#include "model/unit_norm.h"

#include <cmath>

namespace taud::model {
namespace {

// Below it the direction is rounding noise.
constexpr double kMinNorm = 1e-6;

}  // namespace

bool Normalise(std::vector<float>* vector) {
  double sum = 0;
  for (const float x : *vector) sum += double{x} * x;
  const double norm = std::sqrt(sum);
  if (!std::isfinite(norm) || norm <= kMinNorm) return false;
  for (float& x : *vector) x = static_cast<float>(x / norm);
  return true;
}

}  // namespace taud::model
