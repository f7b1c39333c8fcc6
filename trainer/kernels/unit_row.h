#ifndef TAUD_TRAINER_KERNELS_UNIT_ROW_H_
#define TAUD_TRAINER_KERNELS_UNIT_ROW_H_

#include <cstddef>
#include <random>
#include <vector>

namespace taud::trainer {

// Replaces the values of *row by a point drawn uniformly from the unit
// sphere. REQUIRES: *row is not empty.
void RandomUnitRow(std::mt19937_64* random, std::vector<float>* row);
// The same for `dim` values anywhere, as a row of a matrix.
void RandomUnitRow(std::mt19937_64* random, size_t dim, float* row);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_UNIT_ROW_H_
