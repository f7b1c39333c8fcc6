#include "server/observe/log_sampler.h"

#include <algorithm>
#include <utility>

namespace taud::server {

std::optional<uint64_t> LogSampler::Take(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const double seconds = absl::ToDoubleSeconds(now - last_);
  if (seconds > 0) {
    room_ = std::min(burst_, room_ + seconds * per_second_);
    last_ = now;
  }
  if (room_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  room_ -= 1;
  return std::exchange(left_out_, 0);
}

uint64_t LogSampler::TakeLeftOut() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(left_out_, 0);
}

}  // namespace taud::server
