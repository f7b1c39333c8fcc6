#ifndef TAUD_TRAINER_KERNELS_WORKER_POOL_H_
#define TAUD_TRAINER_KERNELS_WORKER_POOL_H_

#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace taud::trainer {

// Runs one task on several threads at once, the caller's included, again and
// again. The threads inherit the caller's priority: on Linux niceness belongs
// to a thread and passes to the threads it creates.
//
// One thread constructs, runs and destroys; the workers are the pool's own.
class WorkerPool {
 public:
  // Starts workers − 1 threads, or as many as the system gives. workers < 1
  // counts as 1.
  explicit WorkerPool(int workers);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int workers() const { return workers_; }

  // Calls task(0) here and task(1) … task(workers() − 1) on the other threads;
  // returns when all have returned. What they throw, the first of it, is thrown
  // here then; the pool can be used again.
  void Run(const std::function<void(int worker)>& task);

 private:
  void Loop(int worker);
  // The edge of a thread: keeps what the task throws for the caller.
  void Call(const std::function<void(int)>& task, int worker) noexcept;

  // Constant after construction.
  int workers_ = 1;

  absl::Mutex mutex_;
  const std::function<void(int)>* task_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint64_t round_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::exception_ptr error_ ABSL_GUARDED_BY(mutex_);  // of this round
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;  // touched by the owner only
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_WORKER_POOL_H_
