#ifndef TAUD_LAB_DEFAULTS_H_
#define TAUD_LAB_DEFAULTS_H_

#include "trainer/offline_options.h"

namespace taud::lab {

// What the papers draw negatives for each loss from.
trainer::NegativeSource DefaultSource(trainer::Loss loss);

// Sets the constants of optimisation that go with the choices of *fit: rates,
// lengths, sizes. They depend on the method, never on the data. Pure.
void SetDefaults(trainer::OfflineFitOptions* fit);

}  // namespace taud::lab

#endif  // TAUD_LAB_DEFAULTS_H_
