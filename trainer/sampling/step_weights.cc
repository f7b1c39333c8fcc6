#include "trainer/sampling/step_weights.h"

#include <algorithm>
#include <cstddef>

namespace taud::trainer {
namespace {

void AddMass(const std::vector<uint32_t>& rows,
             const std::vector<float>& weights, std::vector<float>* mass) {
  for (size_t r = 0; r < rows.size(); ++r) {
    if (rows[r] >= mass->size()) mass->resize(size_t{rows[r]} + 1, 0.0f);
    (*mass)[rows[r]] += weights[r];
  }
}

}  // namespace

void StepWeights::Bound(const std::vector<uint32_t>& users,
                        const std::vector<uint32_t>& items, float most,
                        std::vector<float>* weights) {
  AddMass(users, *weights, &user_mass_);
  AddMass(items, *weights, &item_mass_);
  for (size_t r = 0; r < weights->size(); ++r) {
    const float mass = std::max(user_mass_[users[r]], item_mass_[items[r]]);
    if (mass > most) (*weights)[r] *= most / mass;
  }
  for (const uint32_t user : users) user_mass_[user] = 0.0f;
  for (const uint32_t item : items) item_mass_[item] = 0.0f;
}

}  // namespace taud::trainer
