#include "trainer/online/trainer_inbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace taud::trainer {
namespace {

using Asked = TrainerInbox::Asked;

// Notes what it is answered.
struct Answer {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  int times = 0;
};

TrainerInbox::Forgetting ForgetUser(uint32_t user, Answer* answer) {
  TrainerInbox::Forgetting forgetting;
  forgetting.users = {user};
  forgetting.done =
      model::AnswerOnce<absl::StatusOr<std::unique_ptr<model::TrainingState>>>(
          [answer](auto state) {
            answer->code = state.status().code();
            ++answer->times;
          });
  return forgetting;
}

TEST(TrainerInboxTest, TakesNothingWhileItIsClosed) {
  TrainerInbox inbox;
  inbox.SetHasModel(true);
  EXPECT_EQ(inbox.RequestPublish(), Asked::kNotRunning);
  Answer answer;
  TrainerInbox::Forgetting forgetting = ForgetUser(1, &answer);
  EXPECT_EQ(inbox.Forget(&forgetting), Asked::kNotRunning);
  EXPECT_EQ(forgetting.users.size(), 1u);
  EXPECT_TRUE(static_cast<bool>(forgetting.done));
  EXPECT_EQ(answer.times, 0);
  forgetting.done.Dismiss();
}

TEST(TrainerInboxTest, ThereMustBeSomethingToPublish) {
  TrainerInbox inbox;
  inbox.Open();
  EXPECT_EQ(inbox.RequestPublish(), Asked::kNothingLearnt);
  inbox.SetHasModel(true);
  EXPECT_EQ(inbox.RequestPublish(), Asked::kTaken);
  EXPECT_TRUE(inbox.Take().publish);
  EXPECT_FALSE(inbox.Take().publish);
}

TEST(TrainerInboxTest, DoesNotCloseOverWhatWasTakenIn) {
  TrainerInbox inbox;
  inbox.SetHasModel(true);
  inbox.Open();
  ASSERT_EQ(inbox.RequestPublish(), Asked::kTaken);
  inbox.AskToStop();
  EXPECT_EQ(inbox.RequestPublish(), Asked::kNotRunning);
  EXPECT_FALSE(inbox.CloseIfEmpty());
  const TrainerInbox::Orders orders = inbox.Take();
  EXPECT_TRUE(orders.publish);
  EXPECT_TRUE(orders.stop);
  EXPECT_TRUE(inbox.CloseIfEmpty());
  EXPECT_FALSE(inbox.is_open());
  // The wish to stop was of that time.
  inbox.Open();
  EXPECT_FALSE(inbox.Take().stop);
}

TEST(TrainerInboxTest, WhatIsLeftAtAFailureIsHandedOver) {
  TrainerInbox inbox;
  inbox.Open();
  Answer first;
  Answer second;
  TrainerInbox::Forgetting forgetting = ForgetUser(1, &first);
  ASSERT_EQ(inbox.Forget(&forgetting), Asked::kTaken);
  forgetting = ForgetUser(2, &second);
  ASSERT_EQ(inbox.Forget(&forgetting), Asked::kTaken);
  std::vector<TrainerInbox::Forgetting> left = inbox.Close();
  EXPECT_FALSE(inbox.is_open());
  ASSERT_EQ(left.size(), 2u);
  left[0].done(nullptr);
  EXPECT_EQ(first.code, absl::StatusCode::kOk);
  // Whoever is forgotten is told so.
  left.clear();
  EXPECT_EQ(first.times, 1);
  EXPECT_EQ(second.code, absl::StatusCode::kInternal);
  EXPECT_EQ(second.times, 1);
}

TEST(TrainerInboxTest, APauseOutlivesAStop) {
  TrainerInbox inbox;
  inbox.SetPaused(true);
  inbox.Open();
  EXPECT_TRUE(inbox.Take().paused);
  ASSERT_TRUE(inbox.CloseIfEmpty());
  inbox.Open();
  EXPECT_TRUE(inbox.Take().paused);
  inbox.SetPaused(false);
  EXPECT_FALSE(inbox.Take().paused);
}

// Each of them would hang if nothing ended the wait.
TEST(TrainerInboxTest, WhatComesEndsTheWait) {
  TrainerInbox inbox;
  inbox.SetHasModel(true);
  inbox.Open();
  inbox.Notify();
  inbox.Await(absl::InfiniteFuture());
  inbox.Take();
  ASSERT_EQ(inbox.RequestPublish(), Asked::kTaken);
  inbox.Await(absl::InfiniteFuture());
  inbox.Take();
  inbox.AskToStop();
  inbox.Await(absl::InfiniteFuture());
}

TEST(TrainerInboxTest, TheTimeEndsTheWaitOfAPause) {
  TrainerInbox inbox;
  inbox.Open();
  inbox.SetPaused(true);
  // What arrives does not end a pause.
  inbox.Notify();
  inbox.Await(absl::InfinitePast());
}

}  // namespace
}  // namespace taud::trainer
