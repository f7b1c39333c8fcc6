#include "trainer/kernels/unit_row.h"

#include "model/unit_norm.h"

namespace taud::trainer {

void RandomUnitRow(std::mt19937_64* random, std::vector<float>* row) {
  std::normal_distribution<float> normal;
  do {
    for (float& x : *row) x = normal(*random);
  } while (!model::Normalise(row));
}

}  // namespace taud::trainer
