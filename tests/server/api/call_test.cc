#include "server/api/call.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/steady_clock.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {
namespace {

using testing::HasSubstr;
using testing::Not;

// A call whose answer nobody reads until the test says so.
class UnreadCall : public RpcCall {
 public:
  explicit UnreadCall(const CallEnvironment* environment)
      : RpcCall(environment, RpcMethod::kGetUser, &context_base_) {}
  const std::atomic<bool>* cancelled() const override { return &cancelled_; }

  grpc::StatusCode code() const { return code_; }

 private:
  // Static: the base class uses it before members are made.
  static inline grpc::ServerContext context_base_;
  grpc::ByteBuffer* Buffer() override { return &buffer_; }
  void Send(const grpc::Status& status) noexcept override {
    code_ = status.error_code();
  }

  grpc::ByteBuffer buffer_;
  std::atomic<bool> cancelled_{false};
  grpc::StatusCode code_ = grpc::StatusCode::DO_NOT_USE;
};

v1::Status Answer(size_t bytes) {
  v1::Status answer;
  answer.set_phase(std::string(bytes, 'x'));
  return answer;
}

class CallTest : public testing::Test {
 protected:
  CallTest() {
    environment_.metrics = &metrics_;
    environment_.memory = &memory_;
  }
  bool Counted(const std::string& reason) {
    return absl::StrContains(
        metrics_.Scrape(v1::Status(), Batcher::Stats()),
        absl::StrCat("taud_refused_total{reason=\"", reason, "\"} 1"));
  }

  Metrics metrics_;
  MemoryBudget memory_{10000};
  CallEnvironment environment_;
};

TEST_F(CallTest, AnAnswerCountsUntilItHasBeenSent) {
  auto first = std::make_unique<UnreadCall>(&environment_);
  ASSERT_TRUE(first->Hold(9000));
  EXPECT_EQ(memory_.used(), 9000u);
  const v1::Status answer = Answer(6000);
  first->Reply(answer);
  EXPECT_EQ(first->code(), grpc::StatusCode::OK);
  EXPECT_EQ(memory_.used(), answer.ByteSizeLong());

  // One of a method that holds nothing beforehand.
  UnreadCall second(&environment_);
  second.Reply(answer);
  EXPECT_EQ(second.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Counted("memory"));

  first.reset();
  EXPECT_EQ(memory_.used(), 0u);
  UnreadCall third(&environment_);
  third.Reply(answer);
  EXPECT_EQ(third.code(), grpc::StatusCode::OK);
}

TEST_F(CallTest, WhatIsTooLargeIsCounted) {
  environment_.max_response_bytes = 100;
  environment_.max_message_bytes = 100;
  UnreadCall answered(&environment_);
  answered.Reply(Answer(200));
  EXPECT_EQ(answered.code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Counted("answer_bytes"));

  UnreadCall asked(&environment_);
  const grpc::Slice slice(std::string(101, 'x'));
  v1::GetStatusRequest request;
  EXPECT_FALSE(asked.Parse(grpc::ByteBuffer(&slice, 1), &request));
  EXPECT_EQ(asked.code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Counted("message_bytes"));
}

// At info: which call, and nothing of whom it was about.
TEST_F(CallTest, FailuresAreLoggedWithinARate) {
  CallLog log;
  environment_.log = &log;
  InitLogging("info", "text");
  testing::internal::CaptureStderr();
  constexpr int kCalls = 100;
  for (int n = 0; n < kCalls; ++n) {
    EndCall(environment_, RpcMethod::kGetUser, absl::StrCat("request-", n),
            model::SteadyNow(), FieldError("user_id", "\"alice\" is unknown"));
  }
  EndCall(environment_, RpcMethod::kGetUser, "good", model::SteadyNow(),
          absl::OkStatus());
  EndCall(environment_, RpcMethod::kWatchStatus, "given-up", model::SteadyNow(),
          absl::CancelledError("the client went away"));
  EndCall(environment_, RpcMethod::kGetItem, "fault", model::SteadyNow(),
          absl::InternalError("a fault of our own"));
  log.SayLeftOut();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("info    call failed method=GetUser "
                              "request_id=request-0 code=INVALID_ARGUMENT"));
  EXPECT_THAT(said, HasSubstr("field=user_id"));
  EXPECT_THAT(said, Not(HasSubstr("alice")));
  EXPECT_THAT(said, Not(HasSubstr("request_id=good")));
  EXPECT_THAT(said, Not(HasSubstr("given-up")));
  EXPECT_THAT(said, HasSubstr("\"a fault of our own\""));
  const std::vector<std::string> lines =
      absl::StrSplit(said, '\n', absl::SkipEmpty());
  // Twenty at once, those whose time came meanwhile, the fault, and the rest.
  EXPECT_GE(lines.size(), 22u);
  EXPECT_LT(lines.size(), 40u);
  EXPECT_THAT(lines.back(), HasSubstr("more calls failed than are logged"));
}

}  // namespace
}  // namespace taud::server
