#ifndef TAUD_STORE_FILES_CHECKPOINT_FILES_H_
#define TAUD_STORE_FILES_CHECKPOINT_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/training_state.h"

namespace taud::store {

// Checkpoints of training, one file `<root>/<number, 20 digits>.checkpoint`
// each, numbers ascending:
//   "TAUDCKPT", u32 format, u64 absorbed through, i64 created_ms, u32 CRC32C
//   of these; u32 number of arrays; each: u8 type (1 float, 2 u32, 3 u64,
//   4 double, 5 bytes), u32 length of the name, name, u64 elements, elements;
//   u32 CRC32C of everything before. Little-endian.
// Written beside, synced, renamed: a file of that name is complete. Plain
// functions, thread-compatible; one writer at a time per root.

struct CheckpointInfo {
  uint64_t number = 0;
  std::string path;
  uint64_t bytes = 0;
};

// Returns its number. Creates the root. On error nothing but an ignorable
// temporary file remains.
absl::StatusOr<uint64_t> SaveCheckpoint(const std::string& root,
                                        const model::TrainingState& state);

// NOT_FOUND; DATA_LOSS naming the file; FAILED_PRECONDITION: another format.
absl::StatusOr<std::unique_ptr<model::TrainingState>> LoadCheckpoint(
    const std::string& root, uint64_t number);

// What its header alone says it has absorbed; the rest is not read.
absl::StatusOr<model::Sequence> ReadCheckpointSequence(const std::string& root,
                                                       uint64_t number);

// Oldest first; a missing root is an empty list.
absl::StatusOr<std::vector<CheckpointInfo>> ListCheckpoints(
    const std::string& root);

// Removes all but the newest `keep`, and temporary files.
absl::Status PruneCheckpoints(const std::string& root, size_t keep);

// The bytes of a checkpoint, and back. Parsing takes nothing on trust: memory
// is bounded by the size of `bytes`. The message lacks the file's name. Pure.
std::string FormatCheckpoint(const model::TrainingState& state);
absl::StatusOr<std::unique_ptr<model::TrainingState>> ParseCheckpoint(
    absl::string_view bytes);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_CHECKPOINT_FILES_H_
