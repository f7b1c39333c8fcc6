#include "lab/rho_trials.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace taud::lab {
namespace {

constexpr double kFirst = 1.1;
constexpr double kStep = 0.1;
constexpr double kBetween = 1.05;

// The first of those with the greatest recall.
std::vector<Trial>::const_iterator Best(const std::vector<Trial>& trials) {
  return std::max_element(
      trials.begin(), trials.end(),
      [](const Trial& a, const Trial& b) { return a.recall < b.recall; });
}

}  // namespace

std::optional<double> NextRho(const std::vector<Trial>& trials) {
  const size_t n = trials.size();
  if (n >= kMostTrials) return std::nullopt;
  if (n < 2) return kFirst;
  if (Best(trials) + 1 == trials.end()) {
    return std::round((trials.back().rho + kStep) * 100) / 100;
  }
  if (n == 2) return kBetween;
  return std::nullopt;
}

double ChooseRho(const std::vector<Trial>& trials) {
  const auto best = Best(trials);
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
