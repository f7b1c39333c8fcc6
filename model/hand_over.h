#ifndef TAUD_MODEL_HAND_OVER_H_
#define TAUD_MODEL_HAND_OVER_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "model/answer_once.h"

namespace taud::model {

// Hands a piece of work to another thread and waits for its answer.
//
// `give` passes the answer on to who does the work, as a shared one because a
// std::function is copied, and returns whether it was taken. An error of `give`
// is the outcome. Otherwise that is what the answer is called with, or INTERNAL
// if all who held it have dropped it: work that is thrown away unrun does not
// leave its caller waiting.
//
// Any thread but the one that does the work.
inline absl::Status HandOverAndWait(
    const std::function<
        absl::Status(std::shared_ptr<AnswerOnce<absl::Status>> answer)>& give) {
  absl::Notification finished;
  absl::Status outcome;
  auto answer =
      std::make_shared<AnswerOnce<absl::Status>>([&](absl::Status status) {
        outcome = std::move(status);
        finished.Notify();
      });
  const absl::Status given = give(answer);
  if (!given.ok()) {
    answer->Dismiss();
    return given;
  }
  answer.reset();
  finished.WaitForNotification();
  return outcome;
}

}  // namespace taud::model

#endif  // TAUD_MODEL_HAND_OVER_H_
