#include "server/rpc/call_queues.h"

#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "gtest/gtest.h"
#include "server/rpc/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {
namespace {

class Service : public v1::RecommendationService::WithRawMethod_Recommend<
                    v1::RecommendationService::Service> {};

// A server whose calls are handed to the test, which answers them.
class CallQueuesTest : public testing::Test {
 protected:
  CallQueuesTest() {
    config::v1::Server config;
    config.set_grpc_address("127.0.0.1:0");
    config.set_max_message_bytes(1 << 20);
    config.set_max_streams_per_connection(1024);
    config.set_keepalive_seconds(60);
    config.set_max_transport_mib(256);
    grpc::ServerBuilder builder;
    int port = 0;
    ConfigureTransport(config, &builder, &port);
    builder.RegisterService(&service_);
    queues_ = std::make_unique<CallQueues>(2, &builder);
    server_ = builder.BuildAndStart();
    stub_ = v1::RecommendationService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                            grpc::InsecureChannelCredentials()));
  }

  ~CallQueuesTest() override { Stop(); }

  void Serve() {
    queues_->Serve(
        [this](grpc::ServerContext* context, grpc::ByteBuffer* request,
               CallQueues::Writer* writer, grpc::ServerCompletionQueue* queue,
               void* tag) {
          service_.RequestRecommend(context, request, writer, queue, queue,
                                    tag);
        },
        [this](CallQueues::Call* call) {
          absl::MutexLock lock(&mutex_);
          arrived_.push_back(call);
        });
  }

  void Stop() {
    server_->Shutdown(std::chrono::system_clock::now());
    queues_->Stop();
  }

  CallQueues::Call* Arrived() {
    absl::MutexLock lock(&mutex_);
    const auto some = [this] { return !arrived_.empty(); };
    mutex_.Await(absl::Condition(&some));
    CallQueues::Call* call = arrived_.front();
    arrived_.pop_front();
    return call;
  }

  // Answers with a response whose temperature is `mark`.
  static void Answer(CallQueues::Call* call, float mark) {
    v1::RecommendResponse response;
    response.set_temperature(mark);
    const grpc::Slice slice(response.SerializeAsString());
    call->Finish(grpc::ByteBuffer(&slice, 1), grpc::Status::OK);
  }

  Service service_;
  std::unique_ptr<CallQueues> queues_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::RecommendationService::Stub> stub_;
  absl::Mutex mutex_;
  std::deque<CallQueues::Call*> arrived_ ABSL_GUARDED_BY(mutex_);
};

// One call from a thread of its own.
struct Client {
  explicit Client(v1::RecommendationService::Stub* stub)
      : thread([this, stub] {
          v1::RecommendRequest request;
          request.set_user_id("u");
          status = stub->Recommend(&context, request, &response);
        }) {}

  grpc::ClientContext context;
  grpc::Status status;
  v1::RecommendResponse response;
  std::thread thread;
};

TEST_F(CallQueuesTest, AnswersAndErrors) {
  Serve();
  Client good(stub_.get());
  CallQueues::Call* call = Arrived();
  EXPECT_GT(call->request().Length(), 0u);
  EXPECT_FALSE(call->cancelled()->load());
  Answer(call, 0.5f);
  good.thread.join();
  EXPECT_TRUE(good.status.ok()) << good.status.error_message();
  EXPECT_EQ(good.response.temperature(), 0.5f);

  Client bad(stub_.get());
  Arrived()->Finish(grpc::ByteBuffer(),
                    grpc::Status(grpc::StatusCode::NOT_FOUND, "no", "detail"));
  bad.thread.join();
  EXPECT_EQ(bad.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(bad.status.error_message(), "no");
  EXPECT_EQ(bad.status.error_details(), "detail");
}

// More than the queues are ready for at a time, answered in any order.
TEST_F(CallQueuesTest, ManyAtATime) {
  Serve();
  constexpr int kCalls = 300;
  std::vector<std::unique_ptr<Client>> clients;
  for (int c = 0; c < kCalls; ++c) {
    clients.push_back(std::make_unique<Client>(stub_.get()));
  }
  std::vector<CallQueues::Call*> calls;
  for (int c = 0; c < kCalls; ++c) calls.push_back(Arrived());
  while (!calls.empty()) {
    Answer(calls.back(), 1);
    calls.pop_back();
  }
  for (const auto& client : clients) {
    client->thread.join();
    EXPECT_TRUE(client->status.ok()) << client->status.error_message();
  }
}

TEST_F(CallQueuesTest, ACallKnowsThatItIsCancelled) {
  Serve();
  Client gone(stub_.get());
  CallQueues::Call* call = Arrived();
  gone.context.TryCancel();
  gone.thread.join();
  EXPECT_EQ(gone.status.error_code(), grpc::StatusCode::CANCELLED);
  while (!call->cancelled()->load()) std::this_thread::yield();
  Answer(call, 1);  // nobody reads it
}

TEST_F(CallQueuesTest, ADeadlineCancelsToo) {
  Serve();
  v1::RecommendRequest request;
  v1::RecommendResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(200));
  std::thread client([&] {
    EXPECT_EQ(stub_->Recommend(&context, request, &response).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  });
  CallQueues::Call* call = Arrived();
  EXPECT_LT(absl::FromChrono(call->context().deadline()),
            absl::Now() + absl::Seconds(1));
  client.join();
  while (!call->cancelled()->load()) std::this_thread::yield();
  Answer(call, 1);
}

// A drain lets a call that arrived be answered, and ends only then.
TEST_F(CallQueuesTest, ADrainWaitsForTheCallsUnderWay) {
  Serve();
  Client client(stub_.get());
  CallQueues::Call* call = Arrived();
  absl::Notification stopped;
  std::thread drain([&] {
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::minutes(1));
    queues_->Stop();
    stopped.Notify();
  });
  // From here on new calls are turned away: the drain has begun.
  grpc::Status refused;
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(50));
    v1::RecommendResponse response;
    refused = stub_->Recommend(&context, v1::RecommendRequest(), &response);
    absl::MutexLock lock(&mutex_);
    while (!arrived_.empty()) {
      Answer(arrived_.front(), 1);
      arrived_.pop_front();
    }
  } while (refused.error_code() != grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(stopped.HasBeenNotified());
  Answer(call, 0.25f);
  client.thread.join();
  drain.join();
  EXPECT_TRUE(client.status.ok()) << client.status.error_message();
  EXPECT_EQ(client.response.temperature(), 0.25f);
}

// Calls that were never answered before the drain's deadline are cancelled, and
// are still finished by whoever has them.
TEST_F(CallQueuesTest, AfterTheDeadlineADrainStillWaitsForFinish) {
  Serve();
  Client client(stub_.get());
  CallQueues::Call* call = Arrived();
  absl::Notification stopped;
  std::thread drain([&] {
    Stop();
    stopped.Notify();
  });
  client.thread.join();
  EXPECT_FALSE(client.status.ok());
  EXPECT_FALSE(stopped.HasBeenNotified());
  Answer(call, 1);
  drain.join();
}

TEST_F(CallQueuesTest, StopsWithoutHavingServed) { Stop(); }

}  // namespace
}  // namespace taud::server
