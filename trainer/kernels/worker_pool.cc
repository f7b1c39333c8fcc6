#include "trainer/kernels/worker_pool.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace taud::trainer {

WorkerPool::WorkerPool(int workers) {
  threads_.reserve(static_cast<size_t>(std::max(1, workers)));
  try {
    for (int worker = 1; worker < workers; ++worker) {
      threads_.emplace_back([this, worker] { Loop(worker); });
    }
  } catch (const std::system_error&) {
    // The process may have no more threads: learn with those there are.
  }
  workers_ = 1 + static_cast<int>(threads_.size());
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Run(const std::function<void(int worker)>& task) {
  if (workers_ > 1) {
    absl::MutexLock lock(&mutex_);
    task_ = &task;
    running_ = workers_ - 1;
    ++round_;
  }
  Call(task, 0);
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](int* running) { return *running == 0; }, &running_));
  task_ = nullptr;
  const std::exception_ptr error = std::exchange(error_, nullptr);
  if (error != nullptr) std::rethrow_exception(error);
}

void WorkerPool::Call(const std::function<void(int)>& task,
                      int worker) noexcept {
  try {
    task(worker);
  } catch (...) {
    absl::MutexLock lock(&mutex_);
    if (error_ == nullptr) error_ = std::current_exception();
  }
}

void WorkerPool::Loop(int worker) {
  uint64_t done = 0;
  while (true) {
    const std::function<void(int)>* task = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      const auto called = [this, done]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stop_ || round_ != done;
      };
      mutex_.Await(absl::Condition(&called));
      if (stop_) return;
      done = round_;
      task = task_;
    }
    Call(*task, worker);
    absl::MutexLock lock(&mutex_);
    --running_;
  }
}

}  // namespace taud::trainer
