#ifndef TAUD_TRAINER_TEMPERATURE_MOMENTS_H_
#define TAUD_TRAINER_TEMPERATURE_MOMENTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trainer/temperature/temperature.h"

namespace taud::trainer {

// Unit-norm rows [rows × dim], row-major, not owned. Rows that are not
// trained are zero; `trained` counts the others.
struct UnitRows {
  const float* values = nullptr;
  size_t rows = 0;
  size_t trained = 0;
};

// The moments of f(u, i) = û·î that Eq. 13 and 14 need, over all pairs of a
// trained user and a trained item without visiting the pairs:
//   μ  = mean(û) · mean(î),                    O((n + m) d)
//   E[f²] = ⟨Σ ûûᵀ, Σ îîᵀ⟩ / (nm),             O((n + m) d²)
// and over the given positive pairs (users[k], items[k]), O(|pairs| d).
// Zero where there is nothing to average. Pure.
CosineMoments ComputeMoments(int dim, const UnitRows& users,
                             const UnitRows& items,
                             const std::vector<uint32_t>& pair_users,
                             const std::vector<uint32_t>& pair_items);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TEMPERATURE_MOMENTS_H_
