#ifndef TAUD_MODEL_UNIT_NORM_H_
#define TAUD_MODEL_UNIT_NORM_H_

#include <cstddef>
#include <vector>

namespace taud::model {

// Scales to unit norm; false, and the values are as they were, if it is too
// short to have a direction, or not finite. Pure.
bool Normalise(std::vector<float>* vector);
// The same for `size` values anywhere, as a row of a matrix.
bool Normalise(float* values, size_t size);

}  // namespace taud::model

#endif  // TAUD_MODEL_UNIT_NORM_H_
