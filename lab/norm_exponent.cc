#include "lab/norm_exponent.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace taud::lab {

double ChooseNormExponent(const std::vector<SliceTrial>& trials) {
  const auto best =
      std::max_element(trials.begin(), trials.end(),
                       [](const SliceTrial& a, const SliceTrial& b) {
                         return Merit(a) < Merit(b);
                       });
  return best == trials.end() ? 0.0 : best->value;
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
