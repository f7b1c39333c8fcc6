#include "server/rpc/answer_deadlines.h"

#include <utility>

namespace taud::server {

AnswerDeadlines::AnswerDeadlines(absl::Duration limit,
                                 std::function<void()> expired)
    : limit_(limit), expired_(std::move(expired)) {
  thread_ = std::thread([this] { Run(); });
}

AnswerDeadlines::~AnswerDeadlines() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void AnswerDeadlines::Add(grpc::ServerContextBase* context,
                          Answer* answer) noexcept {
  answer->owner_ = this;
  answer->context_ = context;
  absl::MutexLock lock(&mutex_);
  answer->until_ = model::SteadyNow() + limit_;
  answer->before_ = last_;
  answer->listed_ = true;
  (last_ == nullptr ? first_ : last_->after_) = answer;
  last_ = answer;
}

void AnswerDeadlines::Remove(Answer* answer) {
  absl::MutexLock lock(&mutex_);
  if (answer->listed_) return Unlink(answer);
  if (cancelling_ != answer) return;
  // To cancel may end the call on the same thread: then gRPC is done with it.
  if (std::this_thread::get_id() == thread_.get_id()) return;
  const auto let_go = [this, answer]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return cancelling_ != answer;
  };
  mutex_.Await(absl::Condition(&let_go));
}

void AnswerDeadlines::Unlink(Answer* answer) {
  (answer->before_ == nullptr ? first_ : answer->before_->after_) =
      answer->after_;
  (answer->after_ == nullptr ? last_ : answer->after_->before_) =
      answer->before_;
  answer->listed_ = false;
}

void AnswerDeadlines::Run() {
  absl::MutexLock lock(&mutex_);
  while (!alarm_.Await(&mutex_, absl::Condition(&stopping_),
                       model::SteadyNow() + limit_ / 4)) {
    CancelExpired(model::SteadyNow());
  }
}

void AnswerDeadlines::CancelExpired(absl::Time now) {
  while (first_ != nullptr && first_->until_ <= now) {
    Answer* const answer = first_;
    grpc::ServerContextBase* const context = answer->context_;
    Unlink(answer);
    cancelling_ = answer;
    mutex_.Unlock();
    expired_();
    context->TryCancel();
    mutex_.Lock();
    cancelling_ = nullptr;
  }
}

}  // namespace taud::server
