#include "trainer/temperature/held_temperature.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

constexpr double kScaleStep = 1.1;

double ScaleAt(double place) {
  return HeldLikelihood::kLeastScale * std::pow(kScaleStep, place);
}

// Where τ₀ ranks best held pairs are likeliest between these scales, by age:
// the younger rows are, the less they say of them.
struct Band {
  double age, least, most;
};
constexpr Band kBands[] = {
    {0.2, 0.79, 1.05}, {0.5, 0.725, 0.86}, {0.9, 0.67, 0.77}};

// s falls as about this root of the factor grows.
constexpr double kResponse = 1.5;

Band BandAt(double age) {
  const Band* const last = std::end(kBands) - 1;
  if (age <= kBands[0].age) return kBands[0];
  if (age >= last->age) return *last;
  const Band* to = kBands;
  while (to->age < age) ++to;
  const Band* const from = to - 1;
  const double share = (age - from->age) / (to->age - from->age);
  const auto between = [share](double a, double b) {
    return a + share * (b - a);
  };
  return {age, between(from->least, to->least), between(from->most, to->most)};
}

}  // namespace

void HeldLikelihood::Add(const float* scores, int64_t count, double each,
                         const std::vector<float>& own, float held,
                         float temperature) {
  const float most = std::max(held, MaxOf(scores, count));
  for (size_t k = 0; k < kScales; ++k) {
    const auto rate = static_cast<float>(
        1.0 / (ScaleAt(static_cast<double>(k)) * double{temperature}));
    double others = double{ExpSum(scores, most, rate, count)};
    for (const float score : own) {
      others -= std::exp(double{score - most} * double{rate});
    }
    const double mine = double{held - most} * double{rate};
    loss_[k] += std::log(std::exp(mine) + each * std::max(0.0, others)) - mine;
  }
  ++pairs_;
}

double HeldLikelihood::LikeliestScale() const {
  if (pairs_ == 0) return 1;
  const size_t best = static_cast<size_t>(
      std::min_element(loss_.begin(), loss_.end()) - loss_.begin());
  double place = static_cast<double>(best);
  if (best > 0 && best + 1 < kScales) {
    const double before = loss_[best - 1] - loss_[best];
    const double after = loss_[best + 1] - loss_[best];
    if (before + after > 0) place += (before - after) / (2 * (before + after));
  }
  return ScaleAt(place);
}

double NextTau0Factor(double factor, double scale, double age) {
  const Band band = BandAt(age);
  const double beside = scale / std::clamp(scale, band.least, band.most);
  return std::clamp(factor * std::pow(beside, kResponse), kLeastTau0Factor,
                    kMostTau0Factor);
}

}  // namespace taud::trainer
