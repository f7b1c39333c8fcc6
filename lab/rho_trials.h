#ifndef TAUD_LAB_RHO_TRIALS_H_
#define TAUD_LAB_RHO_TRIALS_H_

#include <cstddef>
#include <optional>
#include <vector>

namespace taud::lab {

// What hyper-parameters are compared by: the geometric mean of recall and NDCG.
// One alone would trade the other away for nothing: a hit more in a thousand at
// the end of the lists, or the same hits a place higher. Pure.
double Merit(double recall, double ndcg);

struct Trial {  // a ρ that was tried, and its figures on the validation slice
  double rho = 0;
  double recall = 0;
  double ndcg = 0;
  double prior = 0;  // the κ with which it has them
};

// The ρ to try next, after `trials` in ascending order, the first of which is
// of ρ = 1; nothing if they are enough. Goes up in steps of 0.1 while the merit
// rises, to 1.3 at most; where 1.1 is no better than 1, the best may still be
// between them. Pure.
std::optional<double> NextRho(const std::vector<Trial>& trials);
inline constexpr size_t kMostTrials = 4;

// The ρ to go on with: where the parabola through the merits of the best trial
// and of its two neighbours is highest, to two decimals; the best trial's own
// where it has not two. `trials` in ascending order of ρ, not empty. The merit
// is smooth in ρ and the slice noisy: three points say more than the best
// alone. Pure.
double ChooseRho(const std::vector<Trial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_RHO_TRIALS_H_
