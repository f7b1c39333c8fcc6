#include "server/api/json_calls.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

HttpRequest Request(const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  return request;
}

// Calls go to a server that takes them and never answers.
class JsonCallsTest : public testing::Test {
 protected:
  JsonCallsTest() {
    grpc::ServerBuilder builder;
    builder.RegisterAsyncGenericService(&nobody_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    JsonCalls::Options options;
    options.max_calls = 3;
    options.max_long = 1;
    options.max_streams = 1;
    options.refused = [this](Refusal why) { refused_.push_back(why); };
    calls_ = std::make_unique<JsonCalls>(
        std::move(options),
        server_->InProcessChannel(grpc::ChannelArguments()));
  }
  ~JsonCallsTest() override {
    calls_->Stop();
    server_->Shutdown();
    queue_->Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) {
    }
  }

  void Call(const std::string& method, const std::string& path) {
    Call(Request(method, path));
  }
  void Call(const HttpRequest& request) {
    calls_->Call(request, [this](const HttpResponse& response,
                                 std::shared_ptr<const void> held) {
      absl::MutexLock lock(&mutex_);
      statuses_.push_back(response.status);
      held_.push_back(std::move(held));
    });
  }
  std::vector<int> statuses() {
    absl::MutexLock lock(&mutex_);
    return statuses_;
  }

  grpc::AsyncGenericService nobody_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<Refusal> refused_;
  absl::Mutex mutex_;
  std::vector<int> statuses_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const void>> held_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<JsonCalls> calls_;
};

TEST_F(JsonCallsTest, BeyondTheLimitsItIsUnavailableAtOnce) {
  Call("POST", "/v1/publish");
  Call("POST", "/v1/rollback");  // the second long one
  EXPECT_EQ(statuses(), (std::vector<int>{503}));
  Call("GET", "/v1/status");
  Call("GET", "/v1/status");
  Call("GET", "/v1/status");  // the fourth
  EXPECT_EQ(statuses(), (std::vector<int>{503, 503}));
  EXPECT_EQ(refused_,
            (std::vector<Refusal>{Refusal::kHttpCalls, Refusal::kHttpCalls}));
}

TEST_F(JsonCallsTest, StreamsHaveTheirOwnPlaces) {
  Call("POST", "/v1/publish");
  Call("POST", "/v1/interactions:stream");
  EXPECT_TRUE(statuses().empty());
  Call("POST", "/v1/interactions:stream");  // the second
  EXPECT_EQ(statuses(), (std::vector<int>{503}));
}

TEST_F(JsonCallsTest, AClientSaysHowLongItWaits) {
  HttpRequest request = Request("GET", "/v1/status");
  for (const char* bad : {"", "soon", "-1s", "0ms", "5", "inf"}) {
    request.headers = {{"taud-timeout", bad}};
    Call(request);
    EXPECT_EQ(statuses().back(), 400) << bad;
  }
  request.headers = {{"taud-timeout", "1s"}, {"taud-timeout", "2s"}};
  Call(request);
  EXPECT_EQ(statuses().back(), 400);
  const size_t before = statuses().size();
  request.headers = {{"taud-timeout", "1ms"}};
  Call(request);
  const auto answered = [this, before]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return statuses_.size() > before;
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&answered));
  EXPECT_EQ(statuses_.back(), 504);
}

TEST_F(JsonCallsTest, StoppingAnswersWhatIsUnderWay) {
  Call("POST", "/v1/publish");
  Call("GET", "/v1/status");
  EXPECT_TRUE(statuses().empty());
  calls_->Stop();
  EXPECT_EQ(statuses(), (std::vector<int>{499, 499}));
  Call("GET", "/v1/status");
  EXPECT_EQ(statuses().back(), 503);
}

TEST_F(JsonCallsTest, APlaceIsTakenUntilTheAnswerHasBeenSent) {
  for (int i = 0; i < 3; ++i) Call("GET", "/v1/status");
  calls_->Stop();
  EXPECT_EQ(statuses().size(), 3u);
  refused_.clear();
  Call("GET", "/v1/status");  // the answers are still held
  EXPECT_EQ(refused_.size(), 1u);
  {
    absl::MutexLock lock(&mutex_);
    held_.clear();
  }
  Call("GET", "/v1/status");
  EXPECT_EQ(refused_.size(),
            1u);  // 503 for being stopped, not for want of room
}

TEST_F(JsonCallsTest, WhatIsNoCallTakesNoPlace) {
  for (int i = 0; i < 5; ++i) {
    Call("GET", "/v1/nothing");
    Call("GET", "/v1/publish");
    Call("GET", "/v1/decisions?");
  }
  EXPECT_EQ(statuses(),
            (std::vector<int>{404, 405, 404, 404, 405, 404, 404, 405, 404, 404,
                              405, 404, 404, 405, 404}));
  EXPECT_TRUE(refused_.empty());
}

}  // namespace
}  // namespace taud::server
