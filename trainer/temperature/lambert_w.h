#ifndef TAUD_TRAINER_TEMPERATURE_LAMBERT_W_H_
#define TAUD_TRAINER_TEMPERATURE_LAMBERT_W_H_

namespace taud::trainer {

// The principal branch of the Lambert W function: the w >= -1 with
// w·exp(w) = x. Pure; any thread. Relative error below 1e-12, except that
// next to the branch point -1/e, where W has infinite slope, the error is
// that of x itself (about 1e-8).
//
// x < -1/e has no real solution and counts as -1/e, which is what SuperLoss
// does (Castells et al. 2020; Adap-τ Eq. 16). NaN gives NaN.
double LambertW(double x);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_LAMBERT_W_H_
