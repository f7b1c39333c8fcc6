#include "server/rpc/answer_deadlines.h"

#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server.h"
#include "gtest/gtest.h"
#include "server/rpc/call_queues.h"
#include "server/rpc/transport.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {
namespace {

class Service : public v1::RecommendationService::WithRawMethod_Recommend<
                    v1::RecommendationService::Service> {};

class Sending : public CallQueues::Attachment {
 public:
  explicit Sending(absl::Notification* gone) : gone_(gone) {}
  ~Sending() override { gone_->Notify(); }
  AnswerDeadlines::Answer answer;

 private:
  absl::Notification* const gone_;
};

// Sends 8 MiB, more than a connection takes that nobody reads from.
void TestAnswer(absl::Duration limit, bool read) {
  config::v1::Server config;
  config.set_grpc_address("127.0.0.1:0");
  config.set_max_message_bytes(1 << 20);
  config.set_max_streams_per_connection(1024);
  config.set_keepalive_seconds(60);
  config.set_max_transport_mib(256);
  absl::Notification expired;
  absl::Notification gone;
  AnswerDeadlines answers(limit, [&expired] { expired.Notify(); });
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  ConfigureTransport(config, &builder, &port);
  builder.RegisterService(&service);
  CallQueues queues(1, &builder);
  const auto server = builder.BuildAndStart();
  const grpc::Slice bytes(std::string(8 << 20, 'x'));
  queues.Serve(
      [&service](grpc::ServerContext* context, grpc::ByteBuffer* request,
                 CallQueues::Writer* writer, grpc::ServerCompletionQueue* queue,
                 void* tag) {
        service.RequestRecommend(context, request, writer, queue, queue, tag);
      },
      [&](CallQueues::Call* call) {
        auto sending = std::make_unique<Sending>(&gone);
        answers.Add(call->mutable_context(), &sending->answer);
        call->Finish(grpc::ByteBuffer(&bytes, 1), grpc::Status::OK,
                     std::move(sending));
      });

  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  grpc::GenericStub stub(
      grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  const auto call = stub.PrepareUnaryCall(
      &context, "/taud.v1.RecommendationService/Recommend", request, &queue);
  call->StartCall();
  // Sends the request, and reads nothing of the answer's message.
  call->ReadInitialMetadata(nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!read) gone.WaitForNotification();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.ok(), read) << status.error_message();
  gone.WaitForNotification();
  EXPECT_EQ(expired.HasBeenNotified(), !read);
  server->Shutdown();
  server->Wait();
  queues.Stop();
}

TEST(AnswerDeadlinesTest, EndsACallWhoseAnswerNobodyReads) {
  TestAnswer(absl::Milliseconds(100), false);
}

TEST(AnswerDeadlinesTest, LeavesAloneWhatIsRead) {
  TestAnswer(absl::Hours(1), true);
}

}  // namespace
}  // namespace taud::server
