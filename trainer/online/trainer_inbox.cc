#include "trainer/online/trainer_inbox.h"

#include <utility>

namespace taud::trainer {

bool TrainerInbox::is_open() const {
  absl::MutexLock lock(&mutex_);
  return open_;
}

void TrainerInbox::Open() {
  absl::MutexLock lock(&mutex_);
  open_ = true;
  stop_ = false;
}

void TrainerInbox::AskToStop() {
  absl::MutexLock lock(&mutex_);
  stop_ = true;
}

void TrainerInbox::Notify() {
  absl::MutexLock lock(&mutex_);
  notified_ = true;
}

void TrainerInbox::SetPaused(bool paused) {
  absl::MutexLock lock(&mutex_);
  paused_ = paused;
  notified_ = true;  // what arrived in between is looked at
}

TrainerInbox::Asked TrainerInbox::RequestPublish() {
  absl::MutexLock lock(&mutex_);
  if (!open_ || stop_) return Asked::kNotRunning;
  if (!has_model_) return Asked::kNothingLearnt;
  publish_ = true;
  return Asked::kTaken;
}

TrainerInbox::Asked TrainerInbox::Forget(Forgetting* forgetting) {
  absl::MutexLock lock(&mutex_);
  if (!open_ || stop_) return Asked::kNotRunning;
  forgettings_.push_back(std::move(*forgetting));
  return Asked::kTaken;
}

void TrainerInbox::SetHasModel(bool has_model) {
  absl::MutexLock lock(&mutex_);
  has_model_ = has_model;
}

TrainerInbox::Orders TrainerInbox::Take() {
  Orders orders;
  absl::MutexLock lock(&mutex_);
  orders.forgettings.swap(forgettings_);
  orders.publish = std::exchange(publish_, false);
  orders.stop = stop_;
  orders.paused = paused_;
  notified_ = false;
  return orders;
}

bool TrainerInbox::CloseIfEmpty() {
  absl::MutexLock lock(&mutex_);
  if (publish_ || !forgettings_.empty()) return false;
  open_ = false;
  return true;
}

std::vector<TrainerInbox::Forgetting> TrainerInbox::Close() {
  std::vector<Forgetting> left;
  absl::MutexLock lock(&mutex_);
  open_ = false;
  left.swap(forgettings_);
  return left;
}

void TrainerInbox::Await(absl::Time until) {
  absl::MutexLock lock(&mutex_);
  const auto called = [this, was_paused =
                                 paused_]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return paused_ != was_paused || stop_ || publish_ ||
           !forgettings_.empty() || (notified_ && !paused_);
  };
  alarm_.Await(&mutex_, absl::Condition(&called), until);
}

}  // namespace taud::trainer
