// Items, users and their properties, through the API of a real daemon.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

// A daemon without interactions; the tests use items of their own.
class CatalogTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    daemon_ = new DaemonProcess(directory_->path(), QuickTraining());
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete directory_;
    daemon_ = nullptr;
    directory_ = nullptr;
  }

  static v1::GetItemResponse Get(const ApiClient& api, const std::string& id) {
    grpc::ClientContext context;
    v1::GetItemRequest request;
    request.set_id(id);
    v1::GetItemResponse response;
    const grpc::Status status =
        api.catalog->GetItem(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static grpc::Status List(const ApiClient& api,
                           const v1::ListItemsRequest& request,
                           v1::ListItemsResponse* response) {
    grpc::ClientContext context;
    return api.catalog->ListItems(&context, request, response);
  }
  // All pages' ids.
  static std::vector<std::string> ListAll(const ApiClient& api,
                                          v1::ListItemsRequest request) {
    std::vector<std::string> ids;
    v1::ListItemsResponse response;
    do {
      request.set_page_token(response.next_page_token());
      const grpc::Status status = List(api, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const v1::Item& item : response.items()) ids.push_back(item.id());
    } while (!response.next_page_token().empty());
    return ids;
  }
  static v1::UpsertItemsRequest Film(const std::string& id, double price,
                                     const std::string& genre) {
    v1::UpsertItemsRequest request;
    v1::Item* item = request.add_items();
    item->set_id(id);
    item->set_title(absl::StrCat("Title of ", id));
    item->add_tags("film");
    (*item->mutable_properties())["price"].set_number(price);
    (*item->mutable_properties())["genre"].mutable_texts()->add_values(genre);
    return request;
  }

  static TemporaryDirectory* directory_;
  static DaemonProcess* daemon_;
};

TemporaryDirectory* CatalogTest::directory_ = nullptr;
DaemonProcess* CatalogTest::daemon_ = nullptr;

TEST_F(CatalogTest, WhatAWriteDoesNotGiveStays) {
  const ApiClient api(*daemon_);
  ASSERT_TRUE(api.Upsert(Film("partial", 3, "noir")).ok());
  v1::UpsertItemsRequest hide;
  hide.add_items()->set_id("partial");
  hide.mutable_items(0)->set_hidden(true);
  ASSERT_TRUE(api.Upsert(hide).ok());
  v1::Item item = Get(api, "partial").item();
  EXPECT_TRUE(item.hidden());
  EXPECT_EQ(item.title(), "Title of partial");
  EXPECT_THAT(item.tags(), ElementsAre("film"));
  EXPECT_EQ(item.properties().at("price").number(), 3);

  hide.mutable_items(0)->set_hidden(false);
  (*hide.mutable_items(0)->mutable_properties())["year"].set_number(1949);
  hide.mutable_update_mask()->add_paths("hidden");
  hide.mutable_update_mask()->add_paths("tags");
  hide.mutable_update_mask()->add_paths("properties.year");
  hide.mutable_update_mask()->add_paths("properties.price");
  ASSERT_TRUE(api.Upsert(hide).ok());
  item = Get(api, "partial").item();
  EXPECT_FALSE(item.hidden());
  EXPECT_EQ(item.tags_size(), 0);
  EXPECT_EQ(item.properties().count("price"), 0u);
  EXPECT_EQ(item.properties().at("year").number(), 1949);
  EXPECT_EQ(item.properties().at("genre").texts().values(0), "noir");

  hide.mutable_update_mask()->clear_paths();
  hide.mutable_update_mask()->add_paths("*");
  ASSERT_TRUE(api.Upsert(hide).ok());
  item = Get(api, "partial").item();
  EXPECT_EQ(item.title(), "");
  EXPECT_EQ(item.properties_size(), 1);

  for (const char* path : {"titel", "properties.", "properties.a-b", "*x"}) {
    hide.mutable_update_mask()->clear_paths();
    hide.mutable_update_mask()->add_paths(path);
    const grpc::Status status = api.Upsert(hide);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << path;
    EXPECT_THAT(status.error_message(), HasSubstr("update_mask: ")) << path;
  }
}

TEST_F(CatalogTest, BadPropertiesAreNamed) {
  const ApiClient api(*daemon_);
  const auto refused = [&](const std::string& name,
                           const v1::PropertyValue& value) {
    v1::UpsertItemsRequest request;
    request.add_items()->set_id("bad");
    (*request.mutable_items(0)->mutable_properties())[name] = value;
    const grpc::Status status = api.Upsert(request);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_THAT(status.error_message(), HasSubstr("items[0].properties."));
  };
  v1::PropertyValue value;
  refused("unset", value);
  value.set_number(std::numeric_limits<double>::infinity());
  refused("number", value);
  value.set_text(std::string(1025, 'x'));
  refused("text", value);
  value.set_flag(true);
  refused("tags", value);
  refused("", value);
  refused("with space", value);
}

TEST_F(CatalogTest, ListsAndSearches) {
  const ApiClient api(*daemon_);
  std::set<std::string> cheap;
  for (int i = 0; i < 50; ++i) {
    const std::string id = absl::StrCat("list-", i);
    if (i < 20) cheap.insert(id);
    ASSERT_TRUE(api.Upsert(Film(id, i, i % 2 == 0 ? "war" : "comedy")).ok());
  }
  v1::ListItemsRequest request;
  request.set_id_prefix("list-");
  request.set_page_size(7);
  EXPECT_EQ(ListAll(api, request).size(), 50u);
  request.set_expression("price < 20 and genre in [\"comedy\"]");
  EXPECT_EQ(ListAll(api, request).size(), 10u);
  request.set_expression("price < 20");
  const std::vector<std::string> listed = ListAll(api, request);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), cheap);
  request.set_title("tItLe of list-49");
  request.clear_expression();
  EXPECT_THAT(ListAll(api, request), ElementsAre("list-49"));

  v1::ListItemsResponse response;
  request.set_tag("flim");
  request.set_expression("prize < 20");
  ASSERT_TRUE(List(api, request, &response).ok());
  EXPECT_EQ(response.items_size(), 0);
  EXPECT_THAT(response.unknown().tags(), ElementsAre("flim"));
  EXPECT_THAT(response.unknown().properties(), ElementsAre("prize"));

  // A token of other conditions, and none at all.
  request.Clear();
  request.set_page_size(2);
  ASSERT_TRUE(List(api, request, &response).ok());
  request.set_page_token(response.next_page_token());
  request.set_id_prefix("x");
  EXPECT_EQ(List(api, request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  request.set_page_token("nonsense");
  EXPECT_EQ(List(api, request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
  request.clear_page_token();
  request.set_expression("price <");
  EXPECT_THAT(List(api, request, &response).error_message(),
              HasSubstr("expression: character 8: expected a number"));
}

TEST_F(CatalogTest, PropertiesAndUsersOutliveARestartUntilTheyAreErased) {
  TemporaryDirectory directory;
  const auto put = [](const ApiClient& api, double age) {
    v1::UpsertUsersRequest request;
    v1::User* user = request.add_users();
    user->set_id("u");
    (*user->mutable_properties())["age"].set_number(age);
    if (age < 31) (*user->mutable_properties())["country"].set_text("AT");
    grpc::ClientContext context;
    v1::UpsertUsersResponse response;
    return api.catalog->UpsertUsers(&context, request, &response);
  };
  const auto get = [](const ApiClient& api, v1::GetUserResponse* response) {
    v1::GetUserRequest request;
    request.set_id("u");
    grpc::ClientContext context;
    return api.catalog->GetUser(&context, request, response);
  };
  {
    DaemonProcess daemon(directory.path(), QuickTraining());
    ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
    const ApiClient api(daemon);
    ASSERT_TRUE(put(api, 30).ok());
    ASSERT_TRUE(put(api, 31).ok());
    ASSERT_TRUE(api.Upsert(Film("kept", 9, "war")).ok());
    daemon.Kill();
  }
  DaemonProcess daemon(directory.path(), QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  EXPECT_EQ(Get(api, "kept").item().properties().at("price").number(), 9);
  v1::GetUserResponse user;
  ASSERT_TRUE(get(api, &user).ok());
  EXPECT_EQ(user.properties().at("age").number(), 31);
  EXPECT_EQ(user.properties().at("country").text(), "AT");
  grpc::ClientContext context;
  v1::EraseUserRequest erase;
  erase.set_id("u");
  v1::EraseUserResponse erased;
  ASSERT_TRUE(api.catalog->EraseUser(&context, erase, &erased).ok());
  EXPECT_EQ(get(api, &user).error_code(), StatusCode::NOT_FOUND);
  ASSERT_TRUE(put(api, 40).ok());
  ASSERT_TRUE(get(api, &user).ok());
  EXPECT_EQ(user.properties().count("country"), 0u) << "it is somebody new";
}

// Recommendations: filters and boosts by properties, what comes back, and what
// is unknown.
TEST_F(CatalogTest, Recommendations) {
  const ApiClient api(*daemon_);
  uint64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string id = absl::StrCat("rec-", i);
    ASSERT_TRUE(api.Upsert(Film(id, i, i % 2 == 0 ? "war" : "comedy")).ok());
    for (int u = 0; u <= i % 4; ++u) {
      last = api.WriteOne(absl::StrCat("rec-user-", u), id);
    }
  }
  ASSERT_TRUE(api.WaitTrained(last)) << daemon_->log();
  v1::RecommendRequest request;
  request.set_user_id("a stranger");
  request.set_k(100);
  request.set_include_properties(true);
  request.mutable_filter()->set_expression(
      "price in 3..8 and genre == 'war' and tags == 'film'");
  request.mutable_filter()->add_only_ids("nobody");
  for (int i = 0; i < 12; ++i) {
    request.mutable_filter()->add_only_ids(absl::StrCat("rec-", i));
  }
  request.mutable_filter()->add_no_tags("flim");
  v1::RecommendResponse response;
  grpc::Status status = api.Recommend(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Ids(response), UnorderedElementsAre("rec-4", "rec-6", "rec-8"));
  EXPECT_EQ(response.items(0).properties().at("genre").texts().values(0),
            "war");
  EXPECT_EQ(response.unknown().count(), 2u);
  EXPECT_THAT(response.unknown().item_ids(), ElementsAre("nobody"));
  EXPECT_THAT(response.unknown().tags(), ElementsAre("flim"));

  request.mutable_filter()->clear_expression();
  v1::TagBoost* boost = request.mutable_rules()->add_boosts();
  boost->set_expression("price == 1");
  boost->set_amount(1);
  status = api.Recommend(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.items(0).id(), "rec-1");
  boost->set_expression("price == ");
  status = api.Recommend(request, &response);
  EXPECT_THAT(status.error_message(),
              HasSubstr("rules.boosts[0].expression: character 10"));
}

// An answer that clients would not take is refused with what to do about it.
TEST_F(CatalogTest, AnAnswerThatIsTooLargeIsRefused) {
  TemporaryDirectory directory;
  std::vector<std::string> arguments = QuickTraining();
  arguments.insert(arguments.end(),
                   {"--set", "server.max_response_bytes=65536"});
  DaemonProcess daemon(directory.path(), arguments);
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  v1::UpsertItemsRequest items;
  for (int i = 0; i < 100; ++i) {
    v1::Item* item = items.add_items();
    item->set_id(absl::StrCat(std::string(240, 'i'), i));
    item->set_title(std::string(1000, 't'));
  }
  ASSERT_TRUE(api.Upsert(items).ok());
  v1::ListItemsRequest list;
  list.set_page_size(100);
  v1::ListItemsResponse response;
  const grpc::Status status = List(api, list, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("server.max_response_bytes"));
  EXPECT_THAT(status.error_message(), HasSubstr("ask for less"));
  list.set_page_size(10);
  EXPECT_TRUE(List(api, list, &response).ok());
}

TEST_F(CatalogTest, AFullCatalogueSaysSo) {
  TemporaryDirectory directory;
  std::vector<std::string> arguments = QuickTraining();
  arguments.insert(arguments.end(), {"--set", "store.max_catalogue_mib=1"});
  DaemonProcess daemon(directory.path(), arguments);
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  grpc::Status status;
  for (int batch = 0; batch < 20 && status.ok(); ++batch) {
    v1::UpsertItemsRequest items;
    for (int i = 0; i < 1000; ++i) {
      v1::Item* item = items.add_items();
      item->set_id(absl::StrCat("full-", batch, "-", i));
      item->add_tags(absl::StrCat("tag-", batch, "-", i));
    }
    status = api.Upsert(items);
  }
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("store.max_catalogue_mib"));
}

}  // namespace
}  // namespace taud::e2e
