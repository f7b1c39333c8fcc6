#ifndef TAUD_TRAINER_TEMPERATURE_BILATERAL_WEIGHT_H_
#define TAUD_TRAINER_TEMPERATURE_BILATERAL_WEIGHT_H_

namespace taud::trainer {

// The weight ρ of the negative side (SsmBatch::rho) for data of this
// LogSparsity: 1 up to 5, which MovieLens is below, from there 0.13 more for
// each unit, to 1.25 at most. The more items there are that a user might have
// and has not, the more it takes to keep a row away from those that are like
// its own; Gowalla, at 6.6, has its best ρ at 1.2, a quarter of its users
// at 1.3. For a stream, which cannot try several: the lab looks for ρ on a
// slice (lab/rho_trials.h). What it brings is in docs/results.md. Pure.
double RhoForSparsity(double log_sparsity);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_BILATERAL_WEIGHT_H_
