#ifndef TAUD_LAB_DEFAULTS_H_
#define TAUD_LAB_DEFAULTS_H_

#include "trainer/offline/offline_options.h"

namespace taud::lab {

// What the papers draw negatives for each loss from.
trainer::NegativeSource DefaultSource(trainer::Loss loss);

// Sets the constants of optimisation that go with the choices of *fit: rates,
// lengths, sizes. They depend on the method, never on the data. Pure.
void SetDefaults(trainer::OfflineFitOptions* fit);

// Whether a fit like this one learns the cosine and leaves the norms free: a
// softmax of cosines on a backbone that gathers neighbours, whose vectors of
// popular items are the longer ones (SSM, §3.2.2). How much they are to count
// has to be tried (lab/norm_exponent.h). Pure.
bool LeavesNormsFree(const trainer::OfflineFitOptions& fit);

}  // namespace taud::lab

#endif  // TAUD_LAB_DEFAULTS_H_
