#ifndef TAUD_SERVER_QUALITY_LEARNING_HEALTH_H_
#define TAUD_SERVER_QUALITY_LEARNING_HEALTH_H_

#include "model/snapshot.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What a snapshot says of how learning goes: how the temperatures of users are
// spread around τ₀, and how far rows have moved since the snapshot before.
// Plain functions of snapshots; any thread.

// How many users have which τ_u / τ₀, what share is at a bound, and τ₀.
void FillTemperatures(const model::Snapshot& snapshot,
                      v1::LearningHealth* health);

// 1 less the mean cosine of a row with itself, of users and of items; and what
// share of an item's ten nearest are others than before, of a sample of items
// that is the smaller, the more items there are.
void FillDrift(const model::Snapshot& before, const model::Snapshot& now,
               v1::LearningHealth* health);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_LEARNING_HEALTH_H_
