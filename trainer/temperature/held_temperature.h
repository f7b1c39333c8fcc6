#ifndef TAUD_TRAINER_TEMPERATURE_HELD_TEMPERATURE_H_
#define TAUD_TRAINER_TEMPERATURE_HELD_TEMPERATURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

// What pairs that are held back from learning say of τ₀.
//
// Eq. 14 (temperature.h) knows the moments of what is learnt, and on some data
// its τ₀ is a third too low or a tenth too high. So pairs that are not learnt
// are asked: in a softmax over the items that the user has not taken, with
// temperature s · τ_u, at which s are they likeliest? What ranks best is not
// s = 1, since temperatures that rank well are softer than likely ones. But
// where τ₀ ranks best s is within a band on data of very different kinds
// (docs/results.md), so where it is not τ₀ is moved towards it.

namespace taud::trainer {

// The likelihood of held pairs by s. Thread-compatible.
class HeldLikelihood {
 public:
  // Values of s that are tried, each 1.1 times the one before.
  static constexpr size_t kScales = 13;
  static constexpr double kLeastScale = 0.4;

  // Notes a pair: the cosines `scores` [count > 0] of its user with items, each
  // of which stands for `each` of the catalogue; the places among them, `own`,
  // of the user's own items, this pair's among them if it is there; the pair's
  // cosine, `held`; the user's temperature, above 0; and how many pairs it
  // stands for, above 0.
  void Add(const float* scores, size_t count, double each,
           const std::vector<uint32_t>& own, float held, float temperature,
           double weight);

  // How many pairs of one weight would say as much: (Σw)² / Σw².
  double EffectivePairs() const;
  // The s of the greatest likelihood, between those tried by a parabola; 1
  // without pairs.
  double LikeliestScale() const;

 private:
  std::array<double, kScales> loss_ = {};  // −log likelihood, summed
  double weight_ = 0;                      // summed
  double squared_weight_ = 0;              // summed
  std::vector<float> others_;              // scratch
};

// So many effective pairs at least are asked for a change: one user who has
// chosen more than all others does not decide.
inline constexpr double kLeastHeldForTau0 = 200;
inline constexpr double kLeastTau0Factor = 2.0 / 3;
inline constexpr double kMostTau0Factor = 1.5;

// By what τ₀ of Eq. 14 is to be multiplied, where it has been by `factor`, held
// pairs are likeliest at `scale`, and the fit has done the share `age` of its
// passes, a fifth or a half. Pure.
double MovedTau0Factor(double factor, double scale, double age);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_HELD_TEMPERATURE_H_
