#ifndef TAUD_TRAINER_TEMPERATURE_TEMPERATURE_H_
#define TAUD_TRAINER_TEMPERATURE_TEMPERATURE_H_

#include <cstddef>
#include <cstdint>

// The temperatures of Adap-τ (Chen et al., WWW 2023, doi
// 10.1145/3543507.3583363) as pure functions. Any thread.

namespace taud::trainer {

// The first two moments of the cosine f(u, i).
struct CosineMoments {
  double mean = 0;               // μ, over all user-item pairs
  double variance = 0;           // σ²
  double positive_mean = 0;      // μ₊, over the observed pairs
  double positive_variance = 0;  // σ₊²
};

// log(nm / (2|D|)), the denominator of Eq. 13 and 14. Data so dense that it
// falls below 1 (or is negative: more than half of all pairs observed) gives
// 1: the approximation behind the lemma ends there.
double LogSparsity(uint64_t users, uint64_t items, uint64_t pairs);

// τ₀ by Eq. 14, which assumes σ₊² = σ²: (μ₊ − μ) / log(nm/(2|D|)).
double Tau0Eq14(const CosineMoments& moments, double log_sparsity);

// τ₀ by Eq. 13, with both variances. Where σ₊² = σ² it is Eq. 14, its limit;
// where the square root has no real value, Eq. 14 too.
double Tau0Eq13(const CosineMoments& moments, double log_sparsity);

// τ_u by Eq. 16 (SuperLoss): τ₀ · exp(W(max(−1/e, (L − mean) / (2β)))). The
// greater a user's loss, the greater the temperature and the smaller the
// weight. `loss` and `mean_loss` are losses at one temperature common to all
// users.
double UserTemperature(double tau0, double loss, double mean_loss, double beta);

// The same, but at most e·τ₀: the room above that W >= −1 leaves below.
double BoundedUserTemperature(double tau0, double loss, double mean_loss,
                              double beta);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_TEMPERATURE_H_
