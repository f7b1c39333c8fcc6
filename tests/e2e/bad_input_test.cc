// What strangers send: each gets a canonical error that names the field, and
// the daemon goes on.

#include <functional>

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "taud/v1/error_details.pb.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/raw_call.h"

namespace taud::e2e {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class BadInputTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    daemon_ = new DaemonProcess(directory_->path(), QuickTraining());
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    lab::Simulator::Options world;
    world.users = 50;
    world.items = 60;
    lab::Simulator simulator(world);
    const ApiClient api(*daemon_);
    ASSERT_TRUE(api.WaitTrained(Feed(api, &simulator, 1500)));
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete directory_;
    daemon_ = nullptr;
    directory_ = nullptr;
  }
  void TearDown() override {
    // Still there, and still right.
    const ApiClient api(*daemon_);
    v1::RecommendRequest request;
    request.set_user_id("user-1");
    request.set_k(3);
    v1::RecommendResponse response;
    const grpc::Status status = api.Recommend(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.items_size(), 3);
  }

  // Sends bytes as they are.
  static grpc::Status Send(const std::string& method,
                           const std::string& bytes) {
    const ApiClient api(*daemon_);
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    return CallRaw(api.channel, method, bytes, &context, &response);
  }

  static TemporaryDirectory* directory_;
  static DaemonProcess* daemon_;
};

TemporaryDirectory* BadInputTest::directory_ = nullptr;
DaemonProcess* BadInputTest::daemon_ = nullptr;

// The field a BadRequest detail names; empty without one.
std::string ViolatedField(const grpc::Status& status) {
  v1::ErrorStatus details;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& any : details.details()) {
    v1::BadRequest bad;
    if (any.type_url() != "type.googleapis.com/google.rpc.BadRequest") continue;
    if (bad.ParseFromString(any.value()) && bad.field_violations_size() > 0) {
      return bad.field_violations(0).field();
    }
  }
  return "";
}

TEST_F(BadInputTest, Recommend) {
  struct Case {
    std::function<void(v1::RecommendRequest*)> spoil;
    StatusCode code;
    std::string field;
  };
  const std::vector<Case> cases = {
      {[](auto* r) { r->clear_user_id(); }, StatusCode::INVALID_ARGUMENT,
       "user_id"},
      {[](auto* r) { r->set_user_id(std::string(257, 'x')); },
       StatusCode::INVALID_ARGUMENT, "user_id"},
      {[](auto* r) { r->set_k(0); }, StatusCode::INVALID_ARGUMENT, "k"},
      {[](auto* r) { r->set_k(-5); }, StatusCode::INVALID_ARGUMENT, "k"},
      {[](auto* r) { r->set_k(1001); }, StatusCode::INVALID_ARGUMENT, "k"},
      {[](auto* r) {
         for (int i = 0; i < 1001; ++i) r->add_context_item_ids("i");
       },
       StatusCode::INVALID_ARGUMENT, "context_item_ids"},
      {[](auto* r) { r->add_context_item_ids(""); },
       StatusCode::INVALID_ARGUMENT, "context_item_ids"},
      {[](auto* r) {
         for (int i = 0; i < 10001; ++i) {
           r->mutable_filter()->add_exclude_ids("i");
         }
       },
       StatusCode::INVALID_ARGUMENT, "filter.exclude_ids"},
      {[](auto* r) {
         for (int i = 0; i < 65; ++i) r->mutable_filter()->add_any_tags("t");
       },
       StatusCode::INVALID_ARGUMENT, "filter.any_tags"},
      {[](auto* r) { r->set_after_sequence(1u << 30); },
       StatusCode::FAILED_PRECONDITION, ""},
  };
  const ApiClient api(*daemon_);
  for (size_t c = 0; c < cases.size(); ++c) {
    SCOPED_TRACE(testing::Message() << "case " << c);
    v1::RecommendRequest request;
    request.set_user_id("user-1");
    request.set_k(5);
    cases[c].spoil(&request);
    v1::RecommendResponse response;
    const grpc::Status status = api.Recommend(request, &response);
    EXPECT_EQ(status.error_code(), cases[c].code) << status.error_message();
    EXPECT_EQ(ViolatedField(status), cases[c].field);
    EXPECT_FALSE(status.error_message().empty());
  }
}

TEST_F(BadInputTest, AFilterThatExcludesEverythingIsAnEmptyAnswer) {
  const ApiClient api(*daemon_);
  v1::RecommendRequest request;
  request.set_user_id("user-1");
  request.set_k(5);
  request.mutable_filter()->add_all_tags("on no item");
  v1::RecommendResponse response;
  ASSERT_TRUE(api.Recommend(request, &response).ok());
  EXPECT_EQ(response.items_size(), 0);
}

TEST_F(BadInputTest, BatchSimilarAndLookUps) {
  const ApiClient api(*daemon_);
  {
    grpc::ClientContext context;
    v1::RecommendBatchRequest request;
    request.set_k(5);
    v1::RecommendBatchResponse response;
    EXPECT_EQ(ViolatedField(api.recommendation->RecommendBatch(
                  &context, request, &response)),
              "user_ids");
  }
  {
    grpc::ClientContext context;
    v1::RecommendBatchRequest request;
    request.set_k(1000);
    for (int u = 0; u < 101; ++u) request.add_user_ids("u");
    v1::RecommendBatchResponse response;
    EXPECT_EQ(ViolatedField(api.recommendation->RecommendBatch(
                  &context, request, &response)),
              "k");
  }
  {
    grpc::ClientContext context;
    v1::SimilarItemsRequest request;
    request.set_item_id("no such item");
    request.set_k(5);
    v1::SimilarItemsResponse response;
    EXPECT_EQ(api.recommendation->SimilarItems(&context, request, &response)
                  .error_code(),
              StatusCode::NOT_FOUND);
  }
  {
    v1::UpsertItemsRequest upsert;
    upsert.add_items()->set_id("never interacted with");
    ASSERT_TRUE(api.Upsert(upsert).ok());
    grpc::ClientContext context;
    v1::SimilarItemsRequest request;
    request.set_item_id("never interacted with");
    request.set_k(5);
    v1::SimilarItemsResponse response;
    EXPECT_EQ(api.recommendation->SimilarItems(&context, request, &response)
                  .error_code(),
              StatusCode::FAILED_PRECONDITION);
  }
  {
    grpc::ClientContext context;
    v1::GetUserRequest request;
    request.set_id("nobody");
    v1::GetUserResponse response;
    EXPECT_EQ(api.catalog->GetUser(&context, request, &response).error_code(),
              StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    v1::GetItemRequest request;
    request.set_id("nothing");
    v1::GetItemResponse response;
    EXPECT_EQ(api.catalog->GetItem(&context, request, &response).error_code(),
              StatusCode::NOT_FOUND);
  }
  {
    v1::UpsertItemsRequest request;
    request.add_items()->set_id("good");
    request.add_items();
    EXPECT_EQ(ViolatedField(api.Upsert(request)), "items[1].id");
    grpc::ClientContext context;
    v1::GetItemRequest get;
    get.set_id("good");
    v1::GetItemResponse response;
    // The whole batch or nothing.
    EXPECT_EQ(api.catalog->GetItem(&context, get, &response).error_code(),
              StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    v1::WatchStatusRequest request;
    request.set_interval_ms(1);
    const auto stream = api.model->WatchStatus(&context, request);
    v1::Status status;
    EXPECT_FALSE(stream->Read(&status));
    EXPECT_EQ(ViolatedField(stream->Finish()), "interval_ms");
  }
}

TEST_F(BadInputTest, AWriteIsWholeOrNothing) {
  const ApiClient api(*daemon_);
  const uint64_t before = api.Status().log().last_sequence();
  v1::WriteInteractionsRequest request;
  for (int i = 0; i < 5; ++i) {
    v1::Interaction* one = request.add_interactions();
    one->set_user_id("u");
    one->set_item_id("i");
  }
  request.mutable_interactions(3)->set_weight(
      std::numeric_limits<float>::infinity());
  v1::WriteInteractionsResponse response;
  const grpc::Status status = api.Write(request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ViolatedField(status), "interactions[3].weight");
  EXPECT_EQ(api.Status().log().last_sequence(), before);
}

TEST_F(BadInputTest, InvalidUtf8NamesTheField) {
  // Field 1, user_id, of two bytes that are not UTF-8; field 3, k = 5.
  const std::string bytes = "\x0A\x02\xC3\x28\x18\x05";
  const grpc::Status status =
      Send("/taud.v1.RecommendationService/Recommend", bytes);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ViolatedField(status), "user_id");
  EXPECT_THAT(status.error_message(), HasSubstr("is not UTF-8"));
}

TEST_F(BadInputTest, BytesThatAreNoMessage) {
  for (const char* method : {"/taud.v1.RecommendationService/Recommend",
                             "/taud.v1.IngestionService/WriteInteractions",
                             "/taud.v1.CatalogService/UpsertItems",
                             "/taud.v1.ModelService/GetStatus"}) {
    const grpc::Status status = Send(method, "\xFF\xFF\xFF\xFF garbage");
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << method;
  }
}

TEST_F(BadInputTest, BytesThatAreNoMessageInAStream) {
  const ApiClient api(*daemon_);
  const uint64_t before = api.Status().log().interactions();
  grpc::GenericStub stub(api.channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const auto call =
      stub.PrepareCall(&context, "/taud.v1.IngestionService/Ingest", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  v1::IngestRequest good;
  good.set_batch_id(1);
  good.add_interactions()->set_user_id("streamer");
  good.mutable_interactions(0)->set_item_id("item-1");
  for (const std::string& bytes :
       {good.SerializeAsString(), std::string("\xFF\xFF\xFF\xFF")}) {
    grpc::Slice slice(bytes);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    queue.Next(&tag, &ok);
  }
  // What came before the garbage is acknowledged, then the call says why.
  grpc::ByteBuffer ack;
  call->Read(&ack, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_TRUE(ok);
  call->Read(&ack, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_FALSE(ok);
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(api.Status().log().interactions(), before + 1);
}

TEST_F(BadInputTest, AMessageOverTheLimit) {
  const grpc::Status status = Send("/taud.v1.RecommendationService/Recommend",
                                   std::string(5 << 20, 'x'));
  // Not what clients take for a reason to try the same again.
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              HasSubstr("5242880 bytes, more than the 4194304 that are allowed "
                        "(server.max_message_bytes): send less at a time"));

  // The same in a stream: not taken for its end.
  const ApiClient api(*daemon_);
  grpc::ClientContext context;
  const auto stream = api.ingestion->Ingest(&context);
  v1::IngestRequest request;
  for (int i = 0; i < 10000; ++i) {
    v1::Interaction* one = request.add_interactions();
    one->set_user_id(std::string(250, 'u'));
    one->set_item_id(std::string(250, 'i'));
  }
  stream->Write(request);
  stream->WritesDone();
  v1::IngestAck ack;
  EXPECT_FALSE(stream->Read(&ack));
  const grpc::Status ended = stream->Finish();
  EXPECT_EQ(ended.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(ended.error_message(), HasSubstr("server.max_message_bytes"));
}

TEST_F(BadInputTest, ErrorsOfStreamsCarryTheRequestId) {
  const ApiClient api(*daemon_);
  const auto check = [](const grpc::ClientContext& context,
                        const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_details(), HasSubstr("my-stream-3"));
    EXPECT_EQ(context.GetServerTrailingMetadata().count("x-request-id"), 1u);
  };
  grpc::ClientContext ingest;
  ingest.AddMetadata("x-request-id", "my-stream-3");
  const auto interactions = api.ingestion->Ingest(&ingest);
  interactions->Write(v1::IngestRequest());
  interactions->WritesDone();
  v1::IngestAck ack;
  EXPECT_FALSE(interactions->Read(&ack));
  check(ingest, interactions->Finish());

  grpc::ClientContext watch;
  watch.AddMetadata("x-request-id", "my-stream-3");
  v1::WatchStatusRequest request;
  request.set_interval_ms(1);
  const auto statuses = api.model->WatchStatus(&watch, request);
  v1::Status status;
  EXPECT_FALSE(statuses->Read(&status));
  check(watch, statuses->Finish());
}

TEST_F(BadInputTest, ErrorsCarryTheRequestId) {
  const ApiClient api(*daemon_);
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "my-request-17");
  v1::RecommendRequest request;
  v1::RecommendResponse response;
  const grpc::Status status =
      api.recommendation->Recommend(&context, request, &response);
  EXPECT_THAT(status.error_details(), HasSubstr("my-request-17"));
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto id = trailers.find("x-request-id");
  ASSERT_NE(id, trailers.end());
  EXPECT_EQ(std::string(id->second.data(), id->second.size()), "my-request-17");
}

TEST(IdBoundsTest, StrangersHaveABoundAndThoseThatAreThereGoOn) {
  TemporaryDirectory directory;
  DaemonProcess daemon(
      directory.path() + "/data",
      {"--set", "store.max_users=2", "--set", "store.max_items=2"});
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_GT(api.WriteOne("u1", "i1"), 0u);
  EXPECT_GT(api.WriteOne("u2", "i2"), 0u);

  v1::WriteInteractionsRequest stranger;
  stranger.add_interactions()->set_user_id("u3");
  stranger.mutable_interactions(0)->set_item_id("i1");
  v1::WriteInteractionsResponse written;
  const grpc::Status refused = api.Write(stranger, &written);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("store.max_users"));
  v1::UpsertItemsRequest item;
  item.add_items()->set_id("i3");
  EXPECT_THAT(api.Upsert(item).error_message(), HasSubstr("store.max_items"));
  item.mutable_items(0)->set_id("i1");
  EXPECT_TRUE(api.Upsert(item).ok());

  // On a stream the one is rejected, and the others are written.
  grpc::ClientContext context;
  const auto stream = api.ingestion->Ingest(&context);
  v1::IngestRequest batch;
  batch.set_batch_id(1);
  for (const char* user : {"", "u3", "u1"}) {
    batch.add_interactions()->set_user_id(user);
    batch.mutable_interactions(batch.interactions_size() - 1)
        ->set_item_id("i2");
  }
  ASSERT_TRUE(stream->Write(batch));
  v1::IngestAck ack;
  ASSERT_TRUE(stream->Read(&ack));
  EXPECT_EQ(ack.accepted(), 1u);
  EXPECT_EQ(ack.rejected_count(), 2u);
  ASSERT_EQ(ack.rejected_size(), 2);
  EXPECT_EQ(ack.rejected(1).index(), 1u);
  EXPECT_THAT(ack.rejected(1).reason(), HasSubstr("store.max_users"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(api.Status().log().interactions(), 3u);

  httplib::Client http("127.0.0.1", daemon.http_port());
  const std::string metrics = http.Get("/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("taud_refused_total{reason=\"users\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("taud_refused_total{reason=\"items\"} 1"));
}

}  // namespace
}  // namespace taud::e2e
