#include "cli/client/event_sender.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Takes everything but users called "bad", and remembers who came.
class Service : public v1::IngestionService::Service {
 public:
  grpc::Status Ingest(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::IngestAck, v1::IngestRequest>* stream)
      override {
    v1::IngestRequest request;
    while (stream->Read(&request)) {
      v1::IngestAck ack;
      {
        absl::MutexLock lock(&mutex_);
        ack.set_batch_id(request.interactions().empty() ? position_
                                                        : request.batch_id());
        ack.set_stream_position(request.interactions().empty());
        for (int i = 0; i < request.interactions_size(); ++i) {
          const std::string& user = request.interactions(i).user_id();
          if (user == "bad") {
            v1::Rejection* rejection = ack.add_rejected();
            rejection->set_index(static_cast<uint32_t>(i));
            rejection->set_reason("is bad");
            ack.set_rejected_count(ack.rejected_count() + 1);
          } else {
            users_.push_back(user);
            ack.set_accepted(ack.accepted() + 1);
            position_ = request.batch_id();
          }
        }
      }
      stream->Write(ack);
    }
    return grpc::Status::OK;
  }

  std::vector<std::string> users() {
    absl::MutexLock lock(&mutex_);
    return users_;
  }

 private:
  absl::Mutex mutex_;
  uint64_t position_ = 0;
  std::vector<std::string> users_;
};

class EventSenderTest : public testing::Test {
 protected:
  void Start(int max_message_bytes) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.SetMaxReceiveMessageSize(max_message_bytes);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    common_.server = absl::StrCat("127.0.0.1:", port);
  }

  static v1::Interaction Of(const std::string& user) {
    v1::Interaction interaction;
    interaction.set_user_id(user);
    interaction.set_item_id("i");
    return interaction;
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  Common common_;
};

// It was sent again and again until the time for retries was over.
TEST_F(EventSenderTest, ABatchThatIsTooLargeIsSplit) {
  Start(20000);
  for (const char* stream_id : {"", "s"}) {
    EventSender::Options options;
    options.batch = 500;
    options.stream_id = stream_id;
    EventSender sender(common_, options, [](uint64_t, const std::string&) {});
    if (!options.stream_id.empty()) {
      ASSERT_TRUE(sender.AskPosition().ok());
    }
    std::vector<std::string> users = service_.users();
    const std::string filling(200, 'x');
    for (uint64_t i = 1; i <= 2000; ++i) {
      users.push_back(absl::StrCat(stream_id, i, filling));
      ASSERT_TRUE(sender.Add(Of(users.back()), i, i).ok());
    }
    ASSERT_TRUE(sender.Finish().ok());
    EXPECT_EQ(sender.totals().accepted, 2000u);
    EXPECT_EQ(sender.totals().position, 2000u);
    EXPECT_EQ(service_.users(), users);
  }
}

TEST_F(EventSenderTest, OneThatIsTooLargeByItselfIsAnError) {
  Start(20000);
  EventSender sender(common_, {}, [](uint64_t, const std::string&) {});
  absl::Status status = sender.Add(Of(std::string(30000, 'x')), 1, 1);
  if (status.ok()) status = sender.Finish();
  EXPECT_THAT(std::string(status.message()), HasSubstr("larger than"));
}

TEST_F(EventSenderTest, RejectionsNameTheLineAndAreNotStored) {
  Start(1 << 20);
  std::vector<std::string> rejected;
  EventSender::Options options;
  options.stream_id = "s";
  options.batch = 2;
  EventSender sender(common_, options,
                     [&](uint64_t line, const std::string& reason) {
                       rejected.push_back(absl::StrCat(line, " ", reason));
                     });
  ASSERT_TRUE(sender.AskPosition().ok());
  uint64_t position = 0;
  for (const char* user : {"a", "bad", "b", "c", "bad", "bad"}) {
    ++position;
    ASSERT_TRUE(sender.Add(Of(user), position, 10 * position).ok());
  }
  ASSERT_TRUE(sender.Finish().ok());
  EXPECT_THAT(rejected, ElementsAre("20 is bad", "50 is bad", "60 is bad"));
  EXPECT_EQ(sender.totals().position, 6u);
  // What the server would say if it were asked: it keeps nothing of the rest.
  EXPECT_EQ(sender.totals().stored, 4u);
}

}  // namespace
}  // namespace taud::cli
