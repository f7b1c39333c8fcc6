#ifndef TAUD_STORE_LOG_BATCH_QUEUE_H_
#define TAUD_STORE_LOG_BATCH_QUEUE_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "store/log/group.h"

namespace taud::store {

// Batches on their way to the writer, first in, first out, bounded by the
// number of interactions and items in them and by their bytes. Tasks are not
// bounded: there are a few, of our own.
//
//   kWaiting ──Start──▶ kAccepting ──Close──▶ kClosed
//       └───────────────Close──────────────────▲
//
// Thread-safe; one thread pops. Owns the batches and their callbacks.
class BatchQueue {
 public:
  BatchQueue(size_t max_queued, size_t max_bytes)
      : max_queued_(max_queued), max_bytes_(max_bytes) {}

  // Begins to accept; nothing if closed.
  void Start();

  // Takes *batch, or leaves it untouched and says why: UNAVAILABLE (not
  // started, or closed), RESOURCE_EXHAUSTED (full now, which is IsQueueFull;
  // or no memory), INVALID_ARGUMENT (larger than the queue). An empty batch
  // counts as one.
  absl::Status Push(PendingBatch* batch);

  // Waits for a batch, then replaces *batches by as many as fit into
  // max_group interactions and items, at least one, or by one task. Empty
  // without memory for one: it was given up, and its callback says so. False,
  // and an empty *batches, when the queue is closed and drained.
  bool PopGroup(size_t max_group, std::vector<PendingBatch>* batches);

  // Refuses new batches; those inside are still popped. Idempotent.
  void Close();

  // Interactions and items waiting now.
  size_t queued() const;
  // Bytes of them.
  size_t queued_bytes() const;

 private:
  enum class State { kWaiting, kAccepting, kClosed };

  bool Poppable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !batches_.empty() || state_ == State::kClosed;
  }

  struct Entry {
    PendingBatch batch;
    size_t bytes = 0;
  };

  const size_t max_queued_;
  const size_t max_bytes_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kWaiting;
  std::deque<Entry> batches_ ABSL_GUARDED_BY(mutex_);
  size_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_BATCH_QUEUE_H_
