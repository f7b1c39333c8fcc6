#include "model/hand_over.h"

#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "gtest/gtest.h"

namespace taud::model {
namespace {

using Answer = std::shared_ptr<AnswerOnce<absl::Status>>;

TEST(HandOverTest, TheOutcomeIsWhatTheOtherThreadAnswers) {
  std::thread worker;
  const absl::Status status = HandOverAndWait([&worker](Answer answer) {
    worker = std::thread([answer = std::move(answer)] {
      (*answer)(absl::NotFoundError("nothing there"));
    });
    return absl::OkStatus();
  });
  worker.join();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST(HandOverTest, WhatWasNotTakenIsTheOutcome) {
  std::function<void()> task;
  const absl::Status status = HandOverAndWait([&task](Answer answer) {
    task = [answer = std::move(answer)] { (*answer)(absl::OkStatus()); };
    return absl::UnavailableError("closed");
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  task = nullptr;  // nobody is told a second time
}

// It would wait for ever if the waiting one held the answer as well.
TEST(HandOverTest, WorkThatIsThrownAwayDoesNotLeaveItsCallerWaiting) {
  const absl::Status status = HandOverAndWait([](const Answer& answer) {
    std::function<void()> task = [answer] { (*answer)(absl::OkStatus()); };
    task = nullptr;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsInternal(status)) << status;
}

}  // namespace
}  // namespace taud::model
