#include "server/audit/audit_entry.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/ingestion_service.pb.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json LineOf(const google::protobuf::Message& request,
            const std::string& key = "") {
  AuditEntry entry;
  entry.method = "M";
  entry.about = SubjectOf(request);
  return json::parse(AuditLine(entry, key));
}

TEST(AuditEntryTest, ALineSaysWhoWhatAndHowItEnded) {
  AuditEntry entry;
  entry.time = absl::FromUnixMillis(1'700'000'000'123);
  entry.method = "Rollback";
  entry.role = "operate";
  entry.credential = "certificate";
  entry.who = "ops";
  entry.subject = "CN=ops,O=Acme";
  entry.address = "ipv4:10.0.0.7:41234";
  entry.request_id = "r1";
  entry.code = absl::StatusCode::kNotFound;
  entry.about.other.emplace_back("version", "7");
  EXPECT_EQ(
      AuditLine(entry, ""),
      "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"end\","
      "\"method\":\"Rollback\",\"who\":\"ops\",\"credential\":\"certificate\","
      "\"subject\":\"CN=ops,O=Acme\",\"role\":\"operate\","
      "\"address\":\"ipv4:10.0.0.7:41234\",\"request_id\":\"r1\","
      "\"version\":\"7\",\"code\":\"NOT_FOUND\"}\n");
  // What has begun has no result yet.
  entry.event = AuditEvent::kBegin;
  EXPECT_THAT(AuditLine(entry, ""), Not(HasSubstr("code")));
}

TEST(AuditEntryTest, NobodyWritesALineOfHisOwn) {
  v1::EraseUserRequest request;
  request.set_id("u\"}\n{\"event\":\"end\"");
  const AuditSubject about = SubjectOf(request);
  AuditEntry entry;
  entry.method = "EraseUser";
  entry.about = about;
  entry.who = "\xff\xfe";  // a subject of a JWT, as bytes
  const std::string line = AuditLine(entry, "");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line)["users"][0], request.id());
}

TEST(AuditEntryTest, RequestsNameWhatTheyAreAbout) {
  v1::DeleteItemsRequest items;
  items.add_ids("i1");
  items.add_ids("i2");
  EXPECT_EQ(LineOf(items)["items"], json({"i1", "i2"}));
  v1::UpsertUsersRequest users;
  users.add_users()->set_id("u1");
  EXPECT_EQ(LineOf(users)["users"], json({"u1"}));
  v1::KeepSnapshotRequest keep;
  keep.set_version(5);
  keep.set_name("before");
  EXPECT_EQ(LineOf(keep)["version"], "5");
  EXPECT_EQ(LineOf(keep)["name"], "before");
  v1::BackupRequest backup;
  backup.set_directory("/b");
  EXPECT_EQ(LineOf(backup)["directory"], "/b");
  v1::PublishRequest publish;
  publish.set_force(true);
  EXPECT_EQ(LineOf(publish)["force"], "true");
  v1::RetractInteractionsRequest retract;
  retract.add_retractions()->set_sequence(8);
  retract.add_retractions()->set_sequence(9);
  retract.add_retractions()->mutable_pair()->set_user_id("u3");
  EXPECT_EQ(LineOf(retract)["sequence"], json({"8", "9"}));
  EXPECT_EQ(LineOf(retract)["users"], json({"u3"}));
  v1::RecommendRequest recommend;
  recommend.set_user_id("u2");
  EXPECT_EQ(LineOf(recommend)["users"], json({"u2"}));
  EXPECT_FALSE(LineOf(v1::PauseRequest()).contains("users"));
}

TEST(AuditEntryTest, OfVeryManyIdsItSaysHowManyThereAre) {
  v1::UpsertItemsRequest request;
  for (int i = 0; i < 5000; ++i) {
    request.add_items()->set_id(std::string(5000, 'i'));
  }
  const json line = LineOf(request);
  EXPECT_EQ(line["items"].size(), AuditSubject::kMostIds);
  EXPECT_EQ(line["items_in_all"], 5000);
  EXPECT_LT(line.dump().size(), 1'100'000u);
}

TEST(AuditEntryTest, WithAKeyNoIdIsReadable) {
  v1::ListItemsRequest list;
  list.set_id_prefix("secret");
  v1::RetractInteractionsRequest retract;
  auto* pair = retract.add_retractions()->mutable_pair();
  pair->set_user_id("secret-user");
  pair->set_item_id("secret-item");
  for (const json& line : {LineOf(list, "k"), LineOf(retract, "k")}) {
    EXPECT_THAT(line.dump(), Not(HasSubstr("secret")));
  }
  // The same id is the same hash, which is not another key's.
  EXPECT_EQ(LineOf(retract, "k")["users"], LineOf(retract, "k")["users"]);
  EXPECT_NE(LineOf(retract, "k")["users"], LineOf(retract, "l")["users"]);
}

}  // namespace
}  // namespace taud::server
