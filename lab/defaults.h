#ifndef TAUD_LAB_DEFAULTS_H_
#define TAUD_LAB_DEFAULTS_H_

#include "trainer/offline_options.h"

namespace taud::lab {

// What the papers draw negatives for each loss from.
trainer::NegativeSource DefaultSource(trainer::Loss loss);

// Sets the constants of optimisation that go with the choices of *fit: rates,
// lengths, sizes. They depend on the method, never on the data. Pure.
void SetDefaults(trainer::OfflineFitOptions* fit);

// What negatives are drawn from, what items are ranked by and how many layers
// LightGCN has, which belong together. The first is the default of SetDefaults
// where both can be.
//
// Users and items are apart by what is common to all of a side: a cosine that
// is below zero for most pairs needs all users on one side and all items on the
// other. In the mean of K + 1 layers that part of the rows comes back with the
// sum of (−1)^l, which is 1 for an even K and nothing for an odd one: each odd
// layer gives users the items' part and items the users'. So the cosine wants
// two layers or four (docs/results.md); the inner product can shorten rows
// instead.
struct Sampling {
  const char* name;
  double beta;    // negatives ∝ popularity^β
  int negatives;  // shared, a step
  trainer::RankBy rank;
  int layers;
};
inline constexpr Sampling kSamplings[] = {
    {"popular", 1.0, 2048, trainer::RankBy::kInnerProduct, 3},
    {"uniform", 0.0, 1024, trainer::RankBy::kCosine, 2}};

// Whether a fit like this one may do well with either of kSamplings: a softmax
// of cosines on a backbone that gathers neighbours, whose vectors of popular
// items have the greater norms (SSM, §3.2.2). Negatives as popular as the
// positives cannot tell popularity from the cosine, and the inner product ranks
// by it: as Adap-τ's program does, and as SSM, §4.4.4, finds best. So it is on
// Gowalla; on ML-1M uniform ones ranked by the cosine are better by a fifth
// (docs/results.md). Which of the two suits a data set has to be tried. Pure.
bool HasSamplings(const trainer::OfflineFitOptions& fit);

// `layers`: of LightGCN, whether they are set, too.
void SetSampling(const Sampling& sampling, bool layers,
                 trainer::OfflineFitOptions* fit);

}  // namespace taud::lab

#endif  // TAUD_LAB_DEFAULTS_H_
