#include "lab/rho_trials.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace taud::lab {
namespace {

constexpr double kStep = 0.1;

// Two fits on a slice of six hundred users differ by up to 3 % where their ρ
// does not say why; on ML-1M, where 1.06 is best, 1.2 costs 7 %.
constexpr double kSurelyWorse = 0.96;

// Of the first of those with the greatest merit.
size_t Best(const std::vector<SliceTrial>& trials) {
  const auto best =
      std::max_element(trials.begin(), trials.end(),
                       [](const SliceTrial& a, const SliceTrial& b) {
                         return Merit(a) < Merit(b);
                       });
  return static_cast<size_t>(best - trials.begin());
}

}  // namespace

std::optional<double> NextRho(const std::vector<SliceTrial>& trials) {
  if (trials.size() >= kMostTrials) return std::nullopt;
  const size_t best = Best(trials);
  const bool is_past = best > 0 && best + 1 < trials.size();
  const bool is_surely_worse =
      Merit(trials.back()) <= kSurelyWorse * Merit(trials[best]);
  if (is_past || is_surely_worse) return std::nullopt;
  return std::round((trials.back().value + kStep) * 100) / 100;
}

double ChooseRho(const std::vector<SliceTrial>& trials) {
  const size_t best = Best(trials);
  const size_t middle = std::max<size_t>(best, 1);
  if (middle + 1 >= trials.size()) return trials[best].value;
  const SliceTrial& left = trials[middle - 1];
  const SliceTrial& centre = trials[middle];
  const SliceTrial& right = trials[middle + 1];
  // The slopes of the two chords; the vertex is where a line through them, each
  // at the middle of its chord, is zero.
  const double rise =
      (Merit(centre) - Merit(left)) / (centre.value - left.value);
  const double fall =
      (Merit(right) - Merit(centre)) / (right.value - centre.value);
  if (rise <= fall) return trials[best].value;
  const double from = (left.value + centre.value) / 2;
  const double to = (centre.value + right.value) / 2;
  const double vertex = from + (to - from) * rise / (rise - fall);
  return std::round(std::clamp(vertex, left.value, right.value) * 100) / 100;
}

}  // namespace taud::lab
