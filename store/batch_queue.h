#ifndef TAUD_STORE_BATCH_QUEUE_H_
#define TAUD_STORE_BATCH_QUEUE_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "store/group.h"

namespace taud::store {

// Batches on their way to the writer, first in, first out, bounded by the
// number of interactions and items in them.
//
//   kWaiting ──Start──▶ kAccepting ──Close──▶ kClosed
//       └───────────────Close──────────────────▲
//
// Thread-safe; one thread pops. Owns the batches and their callbacks.
class BatchQueue {
 public:
  explicit BatchQueue(size_t max_queued) : max_queued_(max_queued) {}

  // Begins to accept; nothing if closed.
  void Start();

  // Takes *batch, or leaves it untouched and says why: UNAVAILABLE (not
  // started, or closed), RESOURCE_EXHAUSTED (full now), INVALID_ARGUMENT
  // (larger than the queue). An empty batch counts as one.
  absl::Status Push(PendingBatch* batch);

  // Waits for a batch, then replaces *batches by as many as fit into
  // max_group interactions and items, at least one. False, and an empty
  // *batches, when the queue is closed and drained.
  bool PopGroup(size_t max_group, std::vector<PendingBatch>* batches);

  // Refuses new batches; those inside are still popped. Idempotent.
  void Close();

  // Interactions and items waiting now.
  size_t queued() const;

 private:
  enum class State { kWaiting, kAccepting, kClosed };

  bool Poppable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !batches_.empty() || state_ == State::kClosed;
  }

  const size_t max_queued_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kWaiting;
  std::deque<PendingBatch> batches_ ABSL_GUARDED_BY(mutex_);
  size_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::store

#endif  // TAUD_STORE_BATCH_QUEUE_H_
