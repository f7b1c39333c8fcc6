#include "store/log/batch_queue.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

// Marks the errors that pass when the writer has caught up.
constexpr char kQueueFull[] = "taud/queue-full";

size_t WeightOf(const PendingBatch& batch) {
  return std::max<size_t>(1, batch.size());
}

absl::Status QueueFull(const std::string& message) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kQueueFull, absl::Cord());
  return status;
}

absl::Status OutOfMemory() {
  return absl::ResourceExhaustedError(
      "no memory for a batch that would wait; try again");
}

// For one more; false if there is no memory.
bool MakeRoom(std::vector<PendingBatch>* batches) {
  if (batches->size() < batches->capacity()) return true;
  try {
    batches->reserve(std::max<size_t>(1, 2 * batches->capacity()));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace

void BatchQueue::Start() {
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kWaiting) state_ = State::kAccepting;
}

absl::Status BatchQueue::Push(PendingBatch* batch) {
  const bool bounded = !batch->alone();
  const size_t weight = bounded ? WeightOf(*batch) : 0;
  const size_t bytes = bounded ? batch->bytes() : 0;
  if (weight > max_queued_) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch has ", weight, " entries, at most ", max_queued_,
                     " are allowed; send smaller batches"));
  }
  if (bytes > max_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch has ", bytes, " bytes, at most ", max_bytes_,
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
    return QueueFull(absl::StrCat("write queue is full: ", queued_, " of ",
                                  max_queued_, " entries wait, batch has ",
                                  weight, "; try again later"));
  }
  if (bytes > max_bytes_ - bytes_) {
    return QueueFull(absl::StrCat("write queue is full: ", bytes_, " of ",
                                  max_bytes_, " bytes wait, batch has ", bytes,
                                  "; try again later"));
  }
  try {
    batches_.emplace_back();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
  batches_.back().batch = std::move(*batch);
  batches_.back().bytes = bytes;
  queued_ += weight;
  bytes_ += bytes;
  return absl::OkStatus();
}

bool BatchQueue::PopGroup(size_t max_group,
                          std::vector<PendingBatch>* batches) {
  batches->clear();
  // Destroyed behind the lock: it answers that it was given up.
  PendingBatch given_up;
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &BatchQueue::Poppable));
  size_t taken = 0;
  while (!batches_.empty()) {
    Entry& front = batches_.front();
    const bool alone = front.batch.alone();
    const size_t weight = alone ? 0 : WeightOf(front.batch);
    if (!batches->empty() && (alone || taken + weight > max_group)) break;
    const bool fits = MakeRoom(batches);
    // The others are of a later group.
    if (!fits && !batches->empty()) break;
    taken += weight;
    queued_ -= weight;
    bytes_ -= front.bytes;
    if (fits) {
      batches->push_back(std::move(front.batch));
    } else {
      given_up = std::move(front.batch);
    }
    batches_.pop_front();
    if (alone || !fits) break;
  }
  return !batches->empty() || state_ != State::kClosed || !batches_.empty();
}

void BatchQueue::Close() {
  absl::MutexLock lock(&mutex_);
  state_ = State::kClosed;
}

size_t BatchQueue::queued_bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

size_t BatchQueue::queued() const {
  absl::MutexLock lock(&mutex_);
  return queued_;
}

bool IsQueueFull(const absl::Status& status) {
  return status.GetPayload(kQueueFull).has_value();
}

}  // namespace taud::store
