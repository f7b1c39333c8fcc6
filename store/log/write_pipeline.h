#ifndef TAUD_STORE_LOG_WRITE_PIPELINE_H_
#define TAUD_STORE_LOG_WRITE_PIPELINE_H_

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "model/state.h"
#include "store/log/batch_queue.h"
#include "store/log/event_store.h"
#include "store/log/group.h"
#include "store/log/log_writer.h"
#include "store/log/store_stats.h"

namespace taud::store {

// The way of a batch:
//
//   Push ─▶ queue ─▶ writer: a group, one synced write ─▶ applier: memory,
//   answer
//
// The writer writes the next group while the applier applies the last one, at
// most kMaxWritten ahead. Tasks run on the writer's thread, when everything
// before them is applied.
//
// Thread-safe, except that Start and Close are the owner's. Owns both threads.
// Nothing that throws ends either of them. On the writer's thread one group or
// task fails (LogWriter::Guarded). What could not be applied is on disk and is
// missing in memory: it and the groups behind it, which must not come before
// it, are answered with an error, and before anything else is written the log
// is read again from where memory stands. Until then writes are refused.
class WritePipeline {
 public:
  WritePipeline(const EventStore::Options& options, model::State* state,
                LogWriter* log, StoreStats* stats)
      : max_group_(options.max_group),
        state_(state),
        log_(log),
        stats_(stats),
        queue_(options.max_queued, options.max_queued_bytes) {
    written_.reserve(kMaxWritten);
  }
  ~WritePipeline() { Close(); }

  // See EventStore::Listener. REQUIRES: before Start.
  void set_room(std::function<void()> room) { room_ = std::move(room); }

  // Starts both threads and begins to accept.
  absl::Status Start();

  // As BatchQueue::Push. What was taken is answered exactly once.
  absl::Status Push(PendingBatch* batch) { return queue_.Push(batch); }

  // Runs `work` on the writer's thread, between groups, and waits for it. Its
  // error, or why the log cannot be worked with. Not on either thread.
  absl::Status Run(std::function<absl::Status()> work);

  // Refuses what is new, finishes what was taken, joins. Idempotent.
  void Close();

  // What waits for the writer: interactions and items, and their bytes.
  size_t queued() const { return queue_.queued(); }
  size_t queued_bytes() const { return queue_.queued_bytes(); }

 private:
  // A group on its way from the writer to the applier.
  struct Written {
    absl::Status status;
    std::vector<PendingBatch> batches;
    GroupPlan plan;
  };
  static constexpr size_t kMaxWritten = 2;

  void RunWriter();
  void RunApplier();
  void Process(std::vector<PendingBatch>* batches);
  void ProcessTask(PendingBatch* batch);
  void ProcessPrepared(std::vector<PendingBatch>* batches);
  void ProcessGroup(std::vector<PendingBatch> batches);
  void HandOver(Written written);
  void Apply(Written* written);
  absl::Status ApplyGuarded(const GroupPlan& plan);
  void NoteUnapplied(const char* why);
  void WaitForApplier();
  // Before anything looks at the log: what could not be applied is read again.
  void SettleUnapplied();
  void CountGroup(const Written& written);

  // Constant from Start on.
  const size_t max_group_;
  model::State* const state_;
  LogWriter* const log_;  // the writer's thread's
  StoreStats* const stats_;
  std::function<void()> room_;

  // The owner's thread's.
  std::thread writer_;
  std::thread applier_;

  // Internally synchronised.
  BatchQueue queue_;

  absl::Mutex mutex_;
  // Oldest first; has room for kMaxWritten from the beginning.
  std::vector<Written> written_ ABSL_GUARDED_BY(mutex_);
  bool unapplied_ ABSL_GUARDED_BY(mutex_) = false;  // some group was not
  bool applying_ ABSL_GUARDED_BY(mutex_) = false;
  bool no_more_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_WRITE_PIPELINE_H_
