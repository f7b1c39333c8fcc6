// Erasure, as a client sees it.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

using e2e::TemporaryDirectory;

TEST(ErasureTest, AnErasedUserIsGoneAndTheSameIdIsSomebodyNew) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, &record, 100));
  const uint64_t last = api.WriteOne("alice", "item-1");
  ASSERT_TRUE(api.WaitTrained(last));
  const auto get_user = [&](v1::GetUserResponse* response) {
    grpc::ClientContext context;
    v1::GetUserRequest request;
    request.set_id("alice");
    return api.catalog->GetUser(&context, request, response);
  };
  v1::GetUserResponse user;
  ASSERT_TRUE(get_user(&user).ok());
  EXPECT_GT(user.temperature(), 0);

  grpc::ClientContext context;
  v1::EraseUserRequest request;
  request.set_id("alice");
  v1::EraseUserResponse erased;
  ASSERT_TRUE(api.catalog->EraseUser(&context, request, &erased).ok());
  EXPECT_EQ(get_user(&user).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(erased.erasure().sequence(), last);

  const std::string id = erased.erasure().erasure_id();
  ASSERT_TRUE(api.WaitStatus(
      [&](const v1::Status&) { return GetErasure(api, id).complete(); }));
  const v1::Erasure done = GetErasure(api, id);
  EXPECT_EQ(done.interactions(), 1u);
  EXPECT_GT(done.serving_version(), 0u);
  EXPECT_EQ(done.copies_size(), 5);
  for (const v1::ErasedCopy& copy : done.copies()) {
    EXPECT_GE(copy.gone_ms(), done.requested_ms()) << copy.copy();
  }
  api.WriteOne("alice", "item-2");
  ASSERT_TRUE(get_user(&user).ok());
  ASSERT_EQ(user.history_size(), 1);
  EXPECT_EQ(user.history(0).item_id(), "item-2");
  EXPECT_EQ(user.seen(), 1u);
}

TEST(ErasureTest, ADeletedItemIsNeverRecommendedAgain) {
  TemporaryDirectory directory;
  AckRecord record(1);
  DaemonProcess daemon(directory.path(), FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, &record, 100));
  ASSERT_TRUE(api.WaitTrained(api.Status().log().last_sequence()));
  v1::RecommendRequest request;
  request.set_user_id("stranger");
  request.set_k(1000);
  v1::RecommendResponse before;
  ASSERT_TRUE(api.Recommend(request, &before).ok());
  const std::string victim = before.items(0).id();
  grpc::ClientContext context;
  v1::DeleteItemsRequest deletion;
  deletion.add_ids(victim);
  deletion.add_ids("no such item");
  v1::DeleteItemsResponse deleted;
  ASSERT_TRUE(api.catalog->DeleteItems(&context, deletion, &deleted).ok());
  ASSERT_EQ(deleted.erasures_size(), 1);
  ASSERT_EQ(deleted.unknown_ids_size(), 1);
  v1::RecommendResponse after;
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Not(testing::Contains(victim)));
  EXPECT_EQ(after.items_size(), before.items_size() - 1);
  const std::string id = deleted.erasures(0).erasure_id();
  ASSERT_TRUE(api.WaitStatus(
      [&](const v1::Status&) { return GetErasure(api, id).complete(); }));
  EXPECT_GT(GetErasure(api, id).interactions(), 0u);
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Not(testing::Contains(victim)));
  // A new item of the same name is somebody else.
  api.WriteOne("u", victim);
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_THAT(e2e::Ids(after), testing::Contains(victim));
}

}  // namespace
}  // namespace taud::fault
