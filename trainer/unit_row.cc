#include "trainer/unit_row.h"

#include <cmath>

namespace taud::trainer {

bool NormaliseRow(std::vector<float>* row) {
  double sum = 0;
  for (const float x : *row) sum += double{x} * x;
  if (!std::isfinite(sum) || sum < 1e-12) return false;
  const double scale = 1.0 / std::sqrt(sum);
  for (float& x : *row) x = static_cast<float>(x * scale);
  return true;
}

void RandomUnitRow(std::mt19937_64* random, std::vector<float>* row) {
  std::normal_distribution<float> normal;
  do {
    for (float& x : *row) x = normal(*random);
  } while (!NormaliseRow(row));
}

}  // namespace taud::trainer
