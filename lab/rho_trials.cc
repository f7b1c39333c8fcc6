#include "lab/rho_trials.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace taud::lab {

double ChooseRho(const std::vector<Trial>& trials) {
  const auto best = std::max_element(
      trials.begin(), trials.end(),
      [](const Trial& a, const Trial& b) { return a.recall < b.recall; });
  if (best == trials.begin() || best + 1 == trials.end()) return best->rho;
  const Trial& left = *(best - 1);
  const Trial& right = *(best + 1);
  // The slopes of the two chords; the vertex is where a line through them, each
  // at the middle of its chord, is zero.
  const double rise = (best->recall - left.recall) / (best->rho - left.rho);
  const double fall = (right.recall - best->recall) / (right.rho - best->rho);
  if (rise <= fall) return best->rho;
  const double from = (left.rho + best->rho) / 2;
  const double to = (best->rho + right.rho) / 2;
  const double vertex = from + (to - from) * rise / (rise - fall);
  return std::round(std::clamp(vertex, left.rho, right.rho) * 100) / 100;
}

}  // namespace taud::lab
