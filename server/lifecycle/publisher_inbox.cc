#include "server/lifecycle/publisher_inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace taud::server {
namespace {

absl::Status TooManyWait(absl::string_view call) {
  return absl::ResourceExhaustedError(
      absl::StrCat(PublisherInbox::kMaxWaiting, " calls of ", call,
                   " wait for their turn already; try again later"));
}

absl::Status Draining() {
  return absl::UnavailableError("the server is draining");
}

}  // namespace

bool PublisherInbox::Offer(std::unique_ptr<model::Snapshot> snapshot) {
  // A superseded snapshot is freed after the lock was given back.
  std::unique_ptr<model::Snapshot> superseded = std::move(snapshot);
  absl::MutexLock lock(&mutex_);
  if (closed_) return false;
  superseded.swap(next_.snapshot);
  std::move(waiters_.begin(), waiters_.end(),
            std::back_inserter(next_.waiters));
  waiters_.clear();
  return superseded != nullptr;
}

absl::StatusOr<uint64_t> PublisherInbox::Wait(Answer done, bool force) {
  absl::MutexLock lock(&mutex_);
  const bool full = waiters_.size() + next_.waiters.size() >= kMaxWaiting;
  if (stopping_ || full) {
    done.Dismiss();
    return stopping_ ? Draining() : TooManyWait("Publish");
  }
  waiters_.push_back({++last_waiter_, std::move(done), force});
  return last_waiter_;
}

bool PublisherInbox::GiveUp(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto it =
      std::find_if(waiters_.begin(), waiters_.end(),
                   [id](const Waiter& waiter) { return waiter.id == id; });
  if (it == waiters_.end()) return false;
  it->done.Dismiss();
  waiters_.erase(it);
  return true;
}

void PublisherInbox::WaitOn(Waiters waiters) {
  absl::MutexLock lock(&mutex_);
  waiters_.insert(waiters_.begin(), std::make_move_iterator(waiters.begin()),
                  std::make_move_iterator(waiters.end()));
}

absl::Status PublisherInbox::Add(Task task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return Draining();
  tasks_.push_back(std::move(task));
  return absl::OkStatus();
}

absl::Status PublisherInbox::AddBounded(absl::string_view call, Task task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return Draining();
  if (tasks_.size() >= kMaxWaiting) return TooManyWait(call);
  tasks_.push_back(std::move(task));
  return absl::OkStatus();
}

std::optional<PublisherInbox::Work> PublisherInbox::Take(absl::Time until) {
  absl::MutexLock lock(&mutex_);
  alarm_.Await(&mutex_, absl::Condition(this, &PublisherInbox::HasWork), until);
  if (next_.snapshot == nullptr && stopping_ && tasks_.empty()) {
    return std::nullopt;
  }
  Work work;
  work.tasks.swap(tasks_);
  work.offered = std::exchange(next_, Offered{});
  return work;
}

void PublisherInbox::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

bool PublisherInbox::AwaitStop(absl::Time until) {
  absl::MutexLock lock(&mutex_);
  return alarm_.Await(&mutex_, absl::Condition(&stopping_), until);
}

PublisherInbox::Waiters PublisherInbox::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  Waiters waiters = std::exchange(next_.waiters, {});
  std::move(waiters_.begin(), waiters_.end(), std::back_inserter(waiters));
  waiters_.clear();
  return waiters;
}

}  // namespace taud::server
