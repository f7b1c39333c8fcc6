#ifndef TAUD_TRAINER_SAMPLING_PERMUTATION_H_
#define TAUD_TRAINER_SAMPLING_PERMUTATION_H_

#include <cstdint>

namespace taud::trainer {

// Where a permutation of [0, size) that looks random takes `index`; another one
// for each key. A Feistel network over the least even number of bits that holds
// `size`, walked until it comes back below it (Black and Rogaway, "Ciphers with
// arbitrary finite domains", 2002): a shuffled order without a list of it. Not
// for secrets. REQUIRES: index < size. Pure.
uint32_t Permuted(uint32_t index, uint32_t size, uint64_t key);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_PERMUTATION_H_
