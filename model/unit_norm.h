#ifndef TAUD_MODEL_UNIT_NORM_H_
#define TAUD_MODEL_UNIT_NORM_H_

#include <vector>

namespace taud::model {

// Scales to unit norm; false, and *vector is as it was, if it is too short to
// have a direction, or not finite. Pure.
bool Normalise(std::vector<float>* vector);

}  // namespace taud::model

#endif  // TAUD_MODEL_UNIT_NORM_H_
