#ifndef TAUD_LAB_DEFAULTS_H_
#define TAUD_LAB_DEFAULTS_H_

#include "trainer/offline_options.h"

namespace taud::lab {

// What the papers draw negatives for each loss from.
trainer::NegativeSource DefaultSource(trainer::Loss loss);

// Sets the constants of optimisation that go with the choices of *fit: rates,
// lengths, sizes. They depend on the method, never on the data. Pure.
void SetDefaults(trainer::OfflineFitOptions* fit);

// What negatives are drawn from and what items are ranked by, which belong
// together. The first is the default of SetDefaults where both can be.
struct Sampling {
  const char* name;
  double beta;    // negatives ∝ popularity^β
  int negatives;  // shared, a step
  trainer::RankBy rank;
};
inline constexpr Sampling kSamplings[] = {
    {"popular", 1.0, 2048, trainer::RankBy::kInnerProduct},
    {"uniform", 0.0, 1024, trainer::RankBy::kCosine}};

// Whether a fit like this one may do well with either of kSamplings: a softmax
// of cosines on a backbone that gathers neighbours, whose vectors of popular
// items have the greater norms (SSM, §3.2.2). Negatives as popular as the
// positives cannot tell popularity from the cosine, and the inner product ranks
// by it: as Adap-τ's program does, and as SSM, §4.4.4, finds best. So it is on
// Gowalla; on ML-1M uniform ones ranked by the cosine are better by a fifth
// (docs/results.md). Which of the two suits a data set has to be tried. Pure.
bool HasSamplings(const trainer::OfflineFitOptions& fit);

void SetSampling(const Sampling& sampling, trainer::OfflineFitOptions* fit);

}  // namespace taud::lab

#endif  // TAUD_LAB_DEFAULTS_H_
