#ifndef TAUD_LAB_RHO_TRIALS_H_
#define TAUD_LAB_RHO_TRIALS_H_

#include <cstddef>
#include <optional>
#include <vector>

namespace taud::lab {

struct Trial {  // a ρ that was tried, and its figures on the validation slice
  double rho = 0;
  double recall = 0;
  double ndcg = 0;
};

// The ρ to try next, after `trials` in ascending order, the first of which is
// of ρ = 1; nothing if they are enough. Goes up in steps of 0.1 while recall
// rises, to 1.3 at most; where 1.1 is no better than 1, the best may still be
// between them. Pure.
std::optional<double> NextRho(const std::vector<Trial>& trials);
inline constexpr size_t kMostTrials = 4;

// The ρ to go on with: where the parabola through the recalls of the best trial
// and of its two neighbours is highest, to two decimals; the best trial's own
// where it has not two. `trials` in ascending order of ρ, not empty. Recall is
// smooth in ρ and the slice noisy: three points say more than the best alone.
// Pure.
double ChooseRho(const std::vector<Trial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_RHO_TRIALS_H_
