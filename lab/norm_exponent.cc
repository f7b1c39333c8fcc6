#include "lab/norm_exponent.h"

#include <cmath>
#include <cstddef>

namespace taud::lab {

double ChooseNormExponent(const std::vector<SliceTrial>& trials) {
  return trials.empty() ? 0.0 : trials[BestTrial(trials)].value;
}

void SetNorms(const std::vector<float>& norms, double exponent,
              model::Matrix* items) {
  for (size_t item = 0; item < items->rows; ++item) {
    float* const row = items->Row(item);
    double square = 0;
    for (size_t c = 0; c < items->cols; ++c) square += double{row[c]} * row[c];
    if (!(square > 0)) continue;
    const float factor = static_cast<float>(
        std::pow(double{norms[item]}, exponent) / std::sqrt(square));
    for (size_t c = 0; c < items->cols; ++c) row[c] *= factor;
  }
}

}  // namespace taud::lab
