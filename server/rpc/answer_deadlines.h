#ifndef TAUD_SERVER_RPC_ANSWER_DEADLINES_H_
#define TAUD_SERVER_RPC_ANSWER_DEADLINES_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "model/steady_clock.h"

namespace taud::server {

// Ends calls whose answer nobody reads: a client may keep its window closed for
// ever, and the answer stays in memory meanwhile.
//
// Thread-safe. A thread of its own looks every quarter of the limit; the
// destructor joins it. All answers are gone before.
class AnswerDeadlines {
 public:
  // One answer that is being sent: a member of the call, not moved. Its
  // destructor waits while the call is being cancelled, so that the call's
  // context lives as long.
  class Answer {
   public:
    Answer() = default;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer() {
      if (owner_ != nullptr) owner_->Remove(this);
    }

   private:
    friend class AnswerDeadlines;
    AnswerDeadlines* owner_ = nullptr;
    // The rest is guarded by the owner's mutex.
    grpc::ServerContextBase* context_ = nullptr;
    absl::Time until_;
    Answer* before_ = nullptr;
    Answer* after_ = nullptr;
    bool listed_ = false;
  };

  // `expired` is called, on the own thread, before a call is cancelled.
  AnswerDeadlines(absl::Duration limit, std::function<void()> expired);
  ~AnswerDeadlines();

  // Right before the answer of `context` is sent, once.
  void Add(grpc::ServerContextBase* context, Answer* answer) noexcept;

 private:
  void Remove(Answer* answer);
  void Unlink(Answer* answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();
  void CancelExpired(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration limit_;
  const std::function<void()> expired_;

  absl::Mutex mutex_;
  model::SteadyAlarm alarm_;
  // In order of time, for all have the same limit.
  Answer* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Answer* last_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Being cancelled, without the mutex.
  const Answer* cancelling_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_ANSWER_DEADLINES_H_
