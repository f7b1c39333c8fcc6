#ifndef TAUD_STORE_LOG_LOG_WRITER_H_
#define TAUD_STORE_LOG_LOG_WRITER_H_

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "model/state.h"
#include "model/types.h"
#include "store/log/erasure.h"
#include "store/log/erasure_receipts.h"
#include "store/log/event_db.h"
#include "store/log/event_store.h"
#include "store/log/group.h"
#include "store/log/retraction.h"
#include "store/log/store_stats.h"

namespace taud::store {

// Keeps the log on disk and the ids in memory in step: plans and writes
// groups, takes ids away, and after a failed write reads the log again to see
// what of it is there. Knows nothing of queues and threads.
//
// The owner's thread's until the pipeline starts, then the writer's until it
// is joined; only PendingErasures, FindErasure and log_end are for any thread.
// Owns neither the database nor the state.
class LogWriter {
 public:
  LogWriter(const EventStore::Options& options, model::State* state,
            EventDb* db, StoreStats* stats)
      : options_(options),
        env_(options.env),
        state_(state),
        db_(db),
        stats_(stats),
        write_failed_(!db->can_write()) {}

  // See EventStore::Listener. REQUIRES: before the pipeline starts.
  void set_erasure_found(std::function<void()> found) {
    erasure_found_ = std::move(found);
  }

  // Brings the state up to the database, but for events.
  absl::Status Load();
  // Applies the events behind those that were applied. See EventStore::Replay.
  absl::Status ApplyLog(const EventStore::ReplayProgress& progress);

  // Whether a write has failed, so that Ready and Commit will read the log
  // again. Then they REQUIRE that everything written has been applied.
  bool must_recover() const { return write_failed_; }
  // As after a failed write: something was written and not applied.
  void MustRecover() { write_failed_ = true; }
  // Whether the log can be worked with; brings it back if it must.
  absl::Status Ready();

  // Plans the group, writes it and makes its ids known; on error nothing has
  // changed.
  absl::Status Commit(const std::vector<PendingBatch>& batches,
                      GroupPlan* plan);

  // What to write for the retractions. REQUIRES: everything written has been
  // applied.
  absl::StatusOr<RetractionPlan> PlanToRetract(
      const std::vector<Retraction>& retractions);
  absl::StatusOr<EventStore::StreamPosition> FindStream(
      const std::string& stream_id);
  // REQUIRES: everything written has been applied. See EventStore::Erase.
  absl::StatusOr<Erasure> Erase(ErasureSubject subject, const std::string& id,
                                const std::string& erasure_id);
  absl::Status WriteReceipts(const std::vector<Erasure>& erasures);
  // See EventDb.
  absl::Status Purge(const std::vector<EventDb::Purged>& events);
  absl::Status DeleteEventsThrough(model::Sequence through);

  // By the store's clock; moves it on.
  int64_t Now();

  // The edge of the writer's thread: for want of memory one thing fails, and
  // whoever asked for it is told. Wherever it was, reading the log again
  // settles what of it is there, and brings the memory up to that.
  template <typename Work>
  auto Guarded(const Work& work) -> decltype(work()) {
    try {
      return work();
    } catch (const std::exception& error) {
      return GivenUp(error.what());
    } catch (...) {
      return GivenUp("something that is no exception");
    }
  }

  // --- Any thread. ---
  std::vector<Erasure> PendingErasures() const;
  absl::StatusOr<Erasure> FindErasure(const std::string& erasure_id) const;
  // The last sequence as Load found it.
  model::Sequence log_end() const {
    absl::MutexLock lock(&mutex_);
    return log_end_;
  }

 private:
  absl::Status Write(const GroupPlan& plan);
  absl::Status Recover();
  // Why work was given up; without a reason if there is no memory for one.
  absl::Status GivenUp(const char* why) noexcept;
  // Takes the erasure's id away in memory. Idempotent.
  void ApplyErasure(const Erasure& erasure);

  // Constant from the start of the pipeline on.
  const EventStore::Options options_;
  rocksdb::Env* const env_;
  model::State* const state_;
  EventDb* const db_;
  StoreStats* const stats_;
  std::function<void()> erasure_found_;

  // The owner's thread's, then the writer's.
  model::Sequence last_sequence_ = 0;  // given so far
  bool write_failed_;                  // the database must be reopened
  int64_t clock_ms_ = 0;               // AdvanceStoreClock's last
  int64_t clock_steady_ms_ = -1;       // when that was; -1: not yet

  mutable absl::Mutex mutex_;
  ErasureReceipts erasures_ ABSL_GUARDED_BY(mutex_);
  model::Sequence log_end_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_LOG_WRITER_H_
