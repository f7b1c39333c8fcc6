#include "store/batch_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

size_t WeightOf(const PendingBatch& batch) {
  return std::max<size_t>(1, batch.size());
}

}  // namespace

void BatchQueue::Start() {
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kWaiting) state_ = State::kAccepting;
}

absl::Status BatchQueue::Push(PendingBatch* batch) {
  const size_t weight = WeightOf(*batch);
  if (weight > max_queued_) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch has ", weight, " entries, at most ", max_queued_,
                     " are allowed; send smaller batches"));
  }
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kWaiting) {
    return absl::UnavailableError("the event log is still being read");
  }
  if (state_ == State::kClosed) {
    return absl::UnavailableError("the event store is closing");
  }
  if (weight > max_queued_ - queued_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("write queue is full: ", queued_, " of ", max_queued_,
                     " entries wait, batch has ", weight, "; try again later"));
  }
  queued_ += weight;
  batches_.push_back(std::move(*batch));
  return absl::OkStatus();
}

bool BatchQueue::PopGroup(size_t max_group,
                          std::vector<PendingBatch>* batches) {
  batches->clear();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &BatchQueue::Poppable));
  size_t taken = 0;
  while (!batches_.empty()) {
    const size_t weight = WeightOf(batches_.front());
    if (!batches->empty() && taken + weight > max_group) break;
    taken += weight;
    queued_ -= weight;
    batches->push_back(std::move(batches_.front()));
    batches_.pop_front();
  }
  return !batches->empty();
}

void BatchQueue::Close() {
  absl::MutexLock lock(&mutex_);
  state_ = State::kClosed;
}

size_t BatchQueue::queued() const {
  absl::MutexLock lock(&mutex_);
  return queued_;
}

}  // namespace taud::store
