#ifndef TAUD_STORE_LOG_ERASURE_H_
#define TAUD_STORE_LOG_ERASURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/types.h"

namespace taud::store {

enum class ErasureSubject : uint8_t { kUser = 1, kItem = 2 };

// The places an erased id, its interactions and its vector were in.
enum class ErasedCopy { kMemory, kLog, kServing, kSnapshots, kCheckpoints };
inline constexpr size_t kNumErasedCopies = 5;

// The receipt of an erasure, kept for good. It does not name what was erased.
struct ErasureRecord {
  ErasureSubject subject = ErasureSubject::kUser;
  uint32_t index = 0;  // the dense index, which no id has any more
  int64_t requested_ms = 0;
  // The last sequence before it: whatever the id does later has a greater one
  // and belongs to somebody new.
  model::Sequence sequence = 0;
  uint64_t interactions = 0;  // of the log, erased
  // When each copy was gone, Unix milliseconds; 0: not yet.
  std::array<int64_t, kNumErasedCopies> gone_ms{};
  // The first snapshot that serves without it.
  model::SnapshotVersion serving_version = 0;

  int64_t& gone(ErasedCopy copy) { return gone_ms[static_cast<size_t>(copy)]; }
  bool complete() const {
    for (const int64_t ms : gone_ms) {
      if (ms == 0) return false;
    }
    return true;
  }
};

struct Erasure {
  std::string id;  // of the receipt
  ErasureRecord record;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_ERASURE_H_
