#ifndef TAUD_MODEL_TYPES_H_
#define TAUD_MODEL_TYPES_H_

// The vocabulary every room shares. Outside the daemon users and items are
// opaque UTF-8 strings; inside they are dense indices, given once by the id
// dictionaries of `store` in order of first appearance and never reused.

#include <cstddef>
#include <cstdint>

namespace taud::model {

using UserIndex = uint32_t;
using ItemIndex = uint32_t;

// Position of an interaction in the event log. The first one is 1; 0 means
// "none yet".
using Sequence = uint64_t;

// Snapshot versions count from 1; 0 means "no snapshot".
using SnapshotVersion = uint64_t;

// The values are on disk and in the API: append, never renumber.
enum class InteractionKind : uint8_t {
  kView = 1,
  kClick = 2,
  kLike = 3,
  kPurchase = 4,
  kDislike = 5,
  // Nothing that was done but that it is taken back: all that the user did
  // with the item before is as if it had never been.
  kRetract = 6,
};

inline constexpr int kNumInteractionKinds = 6;

// Whether the trainer learns `kind` as a positive. A dislike only counts as
// seen, and what was retracted as nothing.
constexpr bool IsPositive(InteractionKind kind) {
  return kind != InteractionKind::kDislike && kind != InteractionKind::kRetract;
}

// Limits on what a stranger may send, checked at the edge and again where the
// value is stored.
inline constexpr size_t kMaxIdBytes = 256;
inline constexpr size_t kMaxTitleBytes = 1024;
inline constexpr size_t kMaxTagBytes = 128;
inline constexpr size_t kMaxTagsPerItem = 64;
inline constexpr float kMaxInteractionWeight = 100.0f;

// One acknowledged interaction.
struct Interaction {
  Sequence sequence = 0;
  int64_t time_ms = 0;  // Unix milliseconds, as the client said it happened
  UserIndex user = 0;
  ItemIndex item = 0;
  float weight = 1.0f;  // in (0, kMaxInteractionWeight]
  InteractionKind kind = InteractionKind::kView;
  // The user had done something with the item before. Filled in by
  // model::Interactions, which alone knows.
  bool repeated = false;
};

// After every sequence.
inline constexpr Sequence kNoSequence = UINT64_MAX;

}  // namespace taud::model

#endif  // TAUD_MODEL_TYPES_H_
