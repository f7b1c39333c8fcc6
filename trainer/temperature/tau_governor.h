#ifndef TAUD_TRAINER_TEMPERATURE_TAU_GOVERNOR_H_
#define TAUD_TRAINER_TEMPERATURE_TAU_GOVERNOR_H_

namespace taud::trainer {

// Keeps τ₀ stable. Eq. 14 makes τ₀ follow μ₊ − μ, and μ₊ − μ follow τ₀: left
// alone, the loop can run down to zero and take the model with it. The
// governor (1) uses a prior that depends on the size of the data alone until
// the fit has warmed up, (2) then approaches Eq. 14 smoothly, (3) at a bounded
// rate, (4) between bounds that are in proportion to the prior.
//
// Pure: time is counted in passes over the data, not in seconds.
struct TauGovernorOptions {
  // μ₊ − μ in place of the measured one until `warm_up` passes are done: the
  // value of the published Adap-τ program.
  double prior_gap = 0.7;
  double warm_up = 2.0;  // passes
  // Time constant of the approach to Eq. 14, in passes.
  double smoothing = 1.0;
  // Largest |Δ log τ₀| a pass.
  double max_rate = 0.15;
  // Bounds of μ₊ − μ as Eq. 14 may see it. Every fit of the papers' data sets
  // lies between .36 and .63.
  double min_gap = 0.25;
  double max_gap = 1.0;
  // Bounds of τ₀ itself, before what held pairs multiply it by.
  double min_tau = 0.03;
  double max_tau = 0.5;
};

struct TauGovernorInput {
  double tau0 = 0;          // in force; 0 if there is none yet
  double gap = 0;           // μ₊ − μ, measured; NaN counts as unknown
  double log_sparsity = 1;  // LogSparsity(n, m, |D|), >= 1
  double passes = 0;        // over the data so far
  double elapsed = 0;       // passes since the last call
};

// The τ₀ to use from now on. In [min_tau, max_tau] for every input.
double GovernTau0(const TauGovernorOptions& options,
                  const TauGovernorInput& input);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_TAU_GOVERNOR_H_
