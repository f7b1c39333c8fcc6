#ifndef TAUD_SERVER_LIFECYCLE_PUBLISHER_INBOX_H_
#define TAUD_SERVER_LIFECYCLE_PUBLISHER_INBOX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/answer_once.h"
#include "model/snapshot.h"
#include "model/steady_clock.h"
#include "model/types.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What clients are told when a snapshot serves.
struct Published {
  model::SnapshotVersion version = 0;
  model::Sequence trained_through = 0;
  v1::Verdict verdict;
};

// What the publisher's thread is to do: at most one snapshot that was offered,
// the newest; who waits for a snapshot; tasks of other kinds.
//
// Thread-safe; one thread takes. Owns the snapshots, the tasks and the
// answers that are owed.
class PublisherInbox {
 public:
  using Answer = model::AnswerOnce<absl::StatusOr<Published>>;
  struct Waiter {
    uint64_t id = 0;
    Answer done;
    bool force = false;  // whatever the gate says
  };
  using Waiters = std::vector<Waiter>;
  struct Offered {
    std::unique_ptr<model::Snapshot> snapshot;
    Waiters waiters;  // who asked before it was offered
  };
  using Task = absl::AnyInvocable<void()>;
  struct Work {
    std::vector<Task> tasks;
    Offered offered;  // null: none
  };

  // Calls of Publish, or of Rollback, that may wait at a time.
  static constexpr size_t kMaxWaiting = 64;

  // Everybody who waits by now, waits for this snapshot. Returns whether it
  // takes the place of one that was not taken yet. Nothing after Close.
  bool Offer(std::unique_ptr<model::Snapshot> snapshot);

  // Waits for the next snapshot that is offered. Returns a number for GiveUp,
  // or, `done` dismissed, UNAVAILABLE after Stop or RESOURCE_EXHAUSTED if
  // many wait already.
  absl::StatusOr<uint64_t> Wait(Answer done, bool force = false);
  // Nothing will be offered. False: a snapshot came meanwhile all the same and
  // answers the wait. True: its answer is dismissed.
  bool GiveUp(uint64_t id);
  // These wait on, ahead of those who came since.
  void WaitOn(Waiters waiters);

  // UNAVAILABLE after Stop; then the task is destroyed without having run.
  absl::Status Add(Task task);
  // The same for a task of a client's: RESOURCE_EXHAUSTED, naming the call,
  // if many wait already.
  absl::Status AddBounded(absl::string_view call, Task task);

  // Waits until there is work, or Stop, or the steady clock reaches `until`,
  // and takes all of it, perhaps none. nullopt: stopped and empty.
  std::optional<Work> Take(absl::Time until);

  // Begins the end: what is inside is still taken, nothing new is let in but
  // a last snapshot.
  void Stop();
  // Waits for Stop, until then at the longest. Returns whether it was called.
  bool AwaitStop(absl::Time until);
  // Ends it. Returns who still waits.
  Waiters Close();

 private:
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_.snapshot != nullptr || stopping_ || !tasks_.empty();
  }

  absl::Mutex mutex_;
  model::SteadyAlarm alarm_;  // of the thread that takes
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  Offered next_ ABSL_GUARDED_BY(mutex_);
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_waiter_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_PUBLISHER_INBOX_H_
