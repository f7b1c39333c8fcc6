#ifndef TAUD_TRAINER_ONLINE_FIT_STATE_H_
#define TAUD_TRAINER_ONLINE_FIT_STATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "model/training_state.h"

namespace taud::trainer {

// What OnlineFit::Export writes, by name ([users], [items]: a value a row;
// "users/…" and "items/…" alike):
//   floats    users/values, users/moment1, users/moment2 [users × dim],
//             users/visits, users/rate, users/loss [users] (no items/loss),
//             pairs/weight [pairs]
//   integers  users/updates, users/learnt, users/owed (RowRenewal; absent:
//             nothing owed) [users], pairs/user, pairs/item [pairs] (removed
//             ones: 2³² − 1), present [items], negatives
//             [items], sampler/window, sampler/young, sampler/visits,
//             marks/pairs
//   longs     marks/sequence, counters, sampler/turn (absent: one begins)
//   doubles   figures, query_weights (QueryWeightChoice; absent:
//             nothing noted), tau0_factor [2] (absent: 1)
//   texts     random, sampler/random, negatives/random
//
// Whether `state` can be gone on with, by a trainer of that dimension whose
// dictionaries have that many ids: every array there, of a fitting length,
// values finite, rows on the sphere or zero, indices in range.
// INVALID_ARGUMENT: another dimension. DATA_LOSS names the array. Pure.
absl::Status CheckTrainingState(const model::TrainingState& state, int dim,
                                uint64_t num_users, uint64_t num_items);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_FIT_STATE_H_
