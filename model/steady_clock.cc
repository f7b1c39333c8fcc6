#include "model/steady_clock.h"

#include <chrono>

namespace taud::model {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(Clock::now().time_since_epoch());
}

SteadyAlarm::~SteadyAlarm() {
  {
    const std::lock_guard<std::mutex> lock(own_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool SteadyAlarm::Await(absl::Mutex* mutex, const absl::Condition& ready,
                        absl::Time until) {
  if (until == absl::InfiniteFuture()) {
    mutex->Await(ready);
    return true;
  }
  Set(mutex, until);
  const auto over = [&ready, until] {
    return ready.Eval() || SteadyNow() >= until;
  };
  mutex->Await(absl::Condition(&over));
  Set(mutex, absl::InfiniteFuture());
  return ready.Eval();
}

void SteadyAlarm::Set(absl::Mutex* mutex, absl::Time until) {
  const std::lock_guard<std::mutex> lock(own_);
  mutex_ = mutex;
  until_ = until;
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  changed_.notify_one();
}

void SteadyAlarm::Run() {
  std::unique_lock<std::mutex> lock(own_);
  while (!stopping_) {
    if (until_ == absl::InfiniteFuture()) {
      changed_.wait(lock);
      continue;
    }
    const auto due = Clock::time_point(std::chrono::ceil<Clock::duration>(
        absl::ToChronoNanoseconds(until_ - absl::UnixEpoch())));
    if (Clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    // Whoever lets go of the mutex has its conditions looked at.
    absl::Mutex* const mutex = mutex_;
    until_ = absl::InfiniteFuture();
    lock.unlock();
    mutex->Lock();
    mutex->Unlock();
    lock.lock();
  }
}

}  // namespace taud::model
