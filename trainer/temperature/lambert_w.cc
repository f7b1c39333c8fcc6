#include "trainer/temperature/lambert_w.h"

#include <cmath>

namespace taud::trainer {
namespace {

constexpr double kInverseE = 0.36787944117144233;
constexpr double kE = 2.718281828459045;

// A start from which Halley's iteration converges: the series about the
// branch point on the left, a logarithmic guess on the right.
double Guess(double x) {
  if (x < 0.5) {
    const double p = std::sqrt(std::fmax(0.0, 2.0 * (kE * x + 1.0)));
    return -1.0 + p * (1.0 + p * (-1.0 / 3.0 + p * (11.0 / 72.0)));
  }
  const double l = std::log1p(x);
  return x < 20.0 ? l * (1.0 - std::log1p(l) / (2.0 + l))
                  : std::log(x) - std::log(std::log(x));
}

}  // namespace

double LambertW(double x) {
  if (std::isnan(x)) return x;
  if (x <= -kInverseE) return -1.0;
  if (std::isinf(x)) return x;
  double w = Guess(x);
  for (int i = 0; i < 20; ++i) {
    const double e = std::exp(w);
    const double f = w * e - x;
    const double slope = e * (w + 1.0);
    if (slope <= 0.0) break;  // at the branch point: w is -1 already
    const double step = f / (slope - f * (w + 2.0) / (2.0 * (w + 1.0)));
    if (!std::isfinite(step)) break;
    w -= step;
    if (std::abs(step) <= 1e-14 * (1.0 + std::abs(w))) break;
  }
  return std::fmax(w, -1.0);
}

}  // namespace taud::trainer
