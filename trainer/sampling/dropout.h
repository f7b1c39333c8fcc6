#ifndef TAUD_TRAINER_SAMPLING_DROPOUT_H_
#define TAUD_TRAINER_SAMPLING_DROPOUT_H_

#include <cstddef>
#include <random>
#include <vector>

namespace taud::trainer {

// Replaces *mask by `count` values, 0 with probability `share` and else 1, as
// SsmBatch::user_mask wants them; share in [0, 1) is kept to 1/65,536. Pure but
// for *random.
void DrawDropout(double share, size_t count, std::mt19937_64* random,
                 std::vector<float>* mask);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_DROPOUT_H_
