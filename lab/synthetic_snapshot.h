#ifndef TAUD_LAB_SYNTHETIC_SNAPSHOT_H_
#define TAUD_LAB_SYNTHETIC_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/snapshot.h"

namespace taud::lab {

// A snapshot that nobody trained, for measuring: rows uniform on the sphere
// (no structure that a search could profit from), every user and item trained.
// The same arguments give the same rows. One thread; a second per 10 million
// values.
std::unique_ptr<model::Snapshot> MakeSyntheticSnapshot(size_t users,
                                                       size_t items, size_t dim,
                                                       uint64_t seed);

// A copy of `before` in which one row in 64 is another: what a training step
// might have left.
std::unique_ptr<model::Snapshot> PerturbSnapshot(const model::Snapshot& before,
                                                 uint64_t seed);

}  // namespace taud::lab

#endif  // TAUD_LAB_SYNTHETIC_SNAPSHOT_H_
