#include "trainer/temperature/held_temperature.h"

#include <algorithm>
#include <cmath>

#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

constexpr double kScaleStep = 1.1;
// A cosine below every other.
constexpr float kNowhere = -100;

double ScaleAt(double place) {
  return HeldLikelihood::kLeastScale * std::pow(kScaleStep, place);
}

// Between these scales held pairs are likeliest where τ₀ ranks best, or so
// nearly that moving it was no gain on any of six data sets: a fifth and a half
// through the passes. The younger rows are, the less they say.
struct Band {
  double least, most;
};
constexpr Band kAtAFifth = {0.79, 1.05};
constexpr Band kAtAHalf = {0.725, 0.86};

// s falls as about the root of 1.7 of the factor: with less one step does not
// go too far.
constexpr double kResponse = 1.5;

}  // namespace

void HeldLikelihood::Add(const float* scores, size_t count, double each,
                         const std::vector<uint32_t>& own, float held,
                         float temperature, double weight) {
  // Left out, not subtracted: the user's own are so near that of the sum hardly
  // anything would be left but rounding.
  others_.assign(scores, scores + count);
  for (const uint32_t place : own) others_[place] = kNowhere;
  const auto items = static_cast<int64_t>(count);
  const float most = std::max(held, MaxOf(others_.data(), items));
  for (size_t k = 0; k < kScales; ++k) {
    const auto rate = static_cast<float>(
        1.0 / (ScaleAt(static_cast<double>(k)) * double{temperature}));
    const double others = double{ExpSum(others_.data(), most, rate, items)};
    const double mine = double{held - most} * double{rate};
    loss_[k] += weight * (std::log(std::exp(mine) + each * others) - mine);
  }
  weight_ += weight;
  squared_weight_ += weight * weight;
}

double HeldLikelihood::EffectivePairs() const {
  return squared_weight_ > 0 ? weight_ * weight_ / squared_weight_ : 0;
}

double HeldLikelihood::LikeliestScale() const {
  if (weight_ == 0) return 1;
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

double MovedTau0Factor(double factor, double scale, double age) {
  const Band& band = age < 0.35 ? kAtAFifth : kAtAHalf;
  const double beside = scale / std::clamp(scale, band.least, band.most);
  return std::clamp(factor * std::pow(beside, kResponse), kLeastTau0Factor,
                    kMostTau0Factor);
}

}  // namespace taud::trainer
