#include "model/answer_once.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using Answers = std::vector<absl::StatusOr<int>>;

AnswerOnce<absl::StatusOr<int>> Into(Answers* answers) {
  return AnswerOnce<absl::StatusOr<int>>([answers](absl::StatusOr<int> answer) {
    answers->push_back(std::move(answer));
  });
}

TEST(AnswerOnceTest, TheCallIsTheOnlyAnswer) {
  Answers answers;
  {
    auto done = Into(&answers);
    EXPECT_TRUE(done);
    done(7);
    EXPECT_FALSE(done);
  }
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(*answers[0], 7);
}

TEST(AnswerOnceTest, WhoIsForgottenIsAnsweredWithAnError) {
  Answers answers;
  { const auto done = Into(&answers); }
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status().code(), absl::StatusCode::kInternal);
}

TEST(AnswerOnceTest, TheDutyMovesWithIt) {
  Answers answers;
  std::optional<AnswerOnce<absl::StatusOr<int>>> later;
  {
    auto done = Into(&answers);
    later = std::move(done);
  }
  EXPECT_TRUE(answers.empty());
  later.reset();
  EXPECT_EQ(answers.size(), 1u);
}

TEST(AnswerOnceTest, WhatIsReplacedIsAnswered) {
  Answers first, second;
  auto done = Into(&first);
  done = Into(&second);
  EXPECT_EQ(first.size(), 1u);
  EXPECT_TRUE(second.empty());
}

TEST(AnswerOnceTest, ADismissedOneIsSilent) {
  Answers answers;
  {
    auto done = Into(&answers);
    done.Dismiss();
  }
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace taud::model
