#include "model/unit_norm.h"

#include <cmath>

namespace taud::model {
namespace {

// Below it the direction is rounding noise.
constexpr double kMinNorm = 1e-6;

}  // namespace

bool Normalise(float* values, size_t size) {
  double sum = 0;
  for (size_t i = 0; i < size; ++i) sum += double{values[i]} * values[i];
  const double norm = std::sqrt(sum);
  if (!std::isfinite(norm) || norm <= kMinNorm) return false;
  for (size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(values[i] / norm);
  }
  return true;
}

bool Normalise(std::vector<float>* vector) {
  return Normalise(vector->data(), vector->size());
}

}  // namespace taud::model
