#ifndef TAUD_MODEL_ANSWER_ONCE_H_
#define TAUD_MODEL_ANSWER_ONCE_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace taud::model {

// A callback that must be called exactly once, with an Answer: absl::Status, or
// an absl::StatusOr. Whoever holds it last answers: calling it empties it, and
// if nobody has called it, its destructor does, with INTERNAL. So nobody waits
// for ever because a path was forgotten or something threw.
//
// Owned by one at a time: it moves and is not copied. Thread-compatible.
template <typename Answer>
class AnswerOnce {
 public:
  using Callback = std::function<void(Answer)>;

  AnswerOnce() = default;
  // A plain callback becomes one by being handed over.
  AnswerOnce(Callback callback)  // NOLINT(google-explicit-constructor)
      : callback_(std::move(callback)) {}
  AnswerOnce(AnswerOnce&& other) noexcept
      : callback_(std::exchange(other.callback_, nullptr)) {}
  AnswerOnce& operator=(AnswerOnce&& other) noexcept {
    if (this == &other) return *this;
    AnswerIfNobodyDid();
    callback_ = std::exchange(other.callback_, nullptr);
    return *this;
  }
  ~AnswerOnce() { AnswerIfNobodyDid(); }

  // REQUIRES: not empty.
  void operator()(Answer answer) {
    std::exchange(callback_, nullptr)(std::move(answer));
  }

  // Empties it without a call: for a call that returns its error and so must
  // not answer as well.
  void Dismiss() { callback_ = nullptr; }

  // Whether there is still somebody to be told.
  explicit operator bool() const { return callback_ != nullptr; }

 private:
  void AnswerIfNobodyDid() {
    if (callback_ == nullptr) return;
    (*this)(absl::InternalError("given up without an answer"));
  }

  Callback callback_;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_ANSWER_ONCE_H_
