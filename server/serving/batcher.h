#ifndef TAUD_SERVER_SERVING_BATCHER_H_
#define TAUD_SERVER_SERVING_BATCHER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/answer_once.h"
#include "model/state.h"
#include "model/steady_clock.h"
#include "server/serving/recommender.h"
#include "server/serving/serving_model.h"
#include "server/serving/turn_plan.h"

namespace taud::server {

// What a job is answered with. The answers are lent for the time of the call.
struct Answered {
  std::shared_ptr<const ServingModel> model;  // not null
  absl::Span<const Recommendation> answers;   // one a task
};

// One request: one task online, or many in bulk, answered from one snapshot.
struct RecommendJob {
  std::vector<RecommendTask> tasks;
  absl::Time deadline = absl::InfiniteFuture();  // model::SteadyNow
  // Set by the caller when nobody waits any more; may be null. Must live
  // until `done` is called.
  const std::atomic<bool>* cancelled = nullptr;
  // Called on a searcher's thread. Quick; must not throw or call the batcher.
  model::AnswerOnce<absl::StatusOr<Answered>> done;
  absl::Time queued;  // the batcher's
};

// Gathers the queries of concurrent requests while the searchers are busy and
// answers them in batches, each from one snapshot. A searcher that is free
// takes what there is at once. Jobs with rules, whose cost is not that of one
// search, take turns with the others and are answered one by one: nobody waits
// for more than one of them.
//
// Thread-safe. Owns its searcher threads; Stop joins them.
class Batcher {
 public:
  struct Options {
    int threads = 1;
    size_t max_batch = 64;
    // Single jobs, costly ones included; as many tasks in bulk × max_batch.
    size_t max_queue = 1024;
    // Online jobs that would wait longer are refused; see QueueLimit.
    absl::Duration max_wait = absl::InfiniteDuration();
    // How long a free searcher may wait for a full batch; see PlanTurn.
    absl::Duration max_delay = absl::ZeroDuration();
    // Called with each answer when it was given, by the searchers: quick, and
    // may not throw. May be null.
    std::function<void(const std::shared_ptr<const ServingModel>&,
                       const RecommendTask&, const Recommendation&)>
        observer;
  };
  struct Stats {
    uint64_t batches = 0;
    uint64_t queries = 0;
    uint64_t expired = 0;  // dropped past their deadline or cancelled
    uint64_t refused = 0;  // queue full
    uint64_t queued = 0;   // waiting now
    FoldInCounts fold_ins;
  };

  // `state` and `slot` must outlive the batcher. Starts the threads.
  Batcher(const Options& options, const model::State* state,
          const ServingSlot* slot);
  ~Batcher();

  // What Submit would say of an online job now, at a fraction of the cost of
  // making one.
  absl::Status CheckRoom();

  // OK: `job.done` will be called. RESOURCE_EXHAUSTED if the queue is full or
  // would take too long, with a RetryInfo of the time it takes to empty;
  // UNAVAILABLE after Stop: it will not.
  // REQUIRES: job.tasks is not empty; INVALID_ARGUMENT otherwise.
  absl::Status Submit(RecommendJob job);

  // Answers what was accepted, then joins the threads. Idempotent.
  void Stop();

  Stats stats() const;

 private:
  struct BulkJob {
    RecommendJob job;
    std::shared_ptr<const ServingModel> model;  // pinned by the first turn
    std::vector<Recommendation> answers;
    bool in_turn = false;
  };
  struct Turns;

  void Run();
  // Takes the job out of *job, or leaves it there.
  absl::Status Enqueue(RecommendJob* job, bool is_bulk);
  // Waits for the next turn and puts what it works on into *turns; false when
  // there will be none.
  bool AwaitTurn(Turns* turns);
  Turn Plan() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(const Turn& turn, Turns* turns)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t OnlineLimit(absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refuse(bool is_bulk, size_t limit, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A batch of `queries` took so long, and folded in so many.
  void Note(size_t queries, absl::Duration took, const FoldInCounts& fold_ins);
  // Neither throws nor leaves a job without an answer.
  void AnswerOnline(Turns* turns) noexcept;
  void AnswerCostly(Turns* turns) noexcept;
  void AnswerBulk(Turns* turns) noexcept;
  // What may throw of them.
  void SearchOnline(Turns* turns);
  absl::Status SearchBulk(BulkJob* bulk, size_t take);
  // Gives what a turn has had no time for back to the front of its queue.
  void GiveBack(Turns* turns, size_t from) noexcept;

  // Constant after construction.
  const Options options_;
  const model::State* const state_;
  const ServingSlot* const slot_;
  std::vector<std::thread> threads_;  // touched by the constructor and Stop

  mutable absl::Mutex mutex_;
  std::deque<RecommendJob> online_ ABSL_GUARDED_BY(mutex_);
  std::deque<RecommendJob> costly_ ABSL_GUARDED_BY(mutex_);
  // The first one is being worked on, a turn at a time.
  std::deque<std::shared_ptr<BulkJob>> bulk_ ABSL_GUARDED_BY(mutex_);
  size_t bulk_tasks_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t online_turns_ ABSL_GUARDED_BY(mutex_) = 0;
  bool last_was_costly_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Decayed mean of what a query takes a thread; 0: none was timed.
  double query_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of an online job.
  absl::Time last_refusal_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_BATCHER_H_
