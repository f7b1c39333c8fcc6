#include "trainer/kernels/unit_row.h"

#include "model/unit_norm.h"

namespace taud::trainer {

void RandomUnitRow(std::mt19937_64* random, size_t dim, float* row) {
  std::normal_distribution<float> normal;
  do {
    for (size_t c = 0; c < dim; ++c) row[c] = normal(*random);
  } while (!model::Normalise(row, dim));
}

void RandomUnitRow(std::mt19937_64* random, std::vector<float>* row) {
  RandomUnitRow(random, row->size(), row->data());
}

}  // namespace taud::trainer
