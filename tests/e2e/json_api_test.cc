// The API as JSON, asked as a page and as a program would.

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class JsonApiTest : public testing::Test {
 protected:
  JsonApiTest() : daemon_(directory_.path(), QuickTraining()) {
    EXPECT_TRUE(daemon_.WaitUntilServing()) << daemon_.log();
    http_ = std::make_unique<httplib::Client>("127.0.0.1", daemon_.http_port());
    http_->set_read_timeout(60);
  }

  json Get(const std::string& path, int status = 200) {
    const auto result = http_->Get(path);
    return Parsed(path, result, status);
  }
  json Post(const std::string& path, const json& body, int status = 200) {
    const auto result = http_->Post(path, {{"X-Taud-Request", "1"}},
                                    body.dump(), "application/json");
    return Parsed(path, result, status);
  }
  static json Parsed(const std::string& path, const httplib::Result& result,
                     int status) {
    if (!result) {
      ADD_FAILURE() << path << ": " << httplib::to_string(result.error());
      return {};
    }
    EXPECT_EQ(result->status, status) << path << ": " << result->body;
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
    return json::parse(result->body, nullptr, false);
  }
  double Refused(const std::string& reason) {
    const std::string metrics = http_->Get("/metrics")->body;
    const std::string line = "taud_refused_total{reason=\"" + reason + "\"} ";
    const size_t at = metrics.find(line);
    return at == std::string::npos
               ? -1
               : std::stod(metrics.substr(at + line.size()));
  }

  TemporaryDirectory directory_;
  DaemonProcess daemon_;
  std::unique_ptr<httplib::Client> http_;
};

TEST_F(JsonApiTest, ANewDaemonSaysThatItHasNothing) {
  EXPECT_EQ(Get("/api/v1/status")["ready"], false);
  EXPECT_EQ(Get("/api/v1/snapshots")["snapshots"].size(), 0u);
  EXPECT_EQ(Get("/api/v1/items?title=a")["items"].size(), 0u);
  const json error =
      Post("/api/v1/recommend", {{"user_id", "u"}, {"k", 3}}, 503)["error"];
  EXPECT_EQ(error["code"], "UNAVAILABLE");
}

TEST_F(JsonApiTest, AsksAndActsLikeTheApi) {
  const ApiClient api(daemon_);
  lab::Simulator::Options world;
  world.users = 200;
  world.items = 300;
  lab::Simulator simulator(world);
  const std::string user = simulator.UserId(1);
  Feed(api, &simulator, 8000);
  ASSERT_TRUE(api.WaitEpochs(1));
  const json published = Post("/api/v1/publish", json::object());
  const std::string version = published["version"];
  EXPECT_EQ(Get("/api/v1/status")["serving"]["snapshot_version"], version);

  const json answer = Post("/api/v1/recommend", {{"user_id", user},
                                                 {"k", 3},
                                                 {"include_titles", true},
                                                 {"include_reasons", true}});
  ASSERT_EQ(answer["items"].size(), 3u) << answer;
  EXPECT_EQ(answer["snapshot"]["version"], version);
  const std::string item = answer["items"][0]["id"];
  EXPECT_EQ(
      Post("/api/v1/similar", {{"item_id", item}, {"k", 2}})["items"].size(),
      2u);
  EXPECT_EQ(Get("/api/v1/users/" + user)["id"], user);
  EXPECT_EQ(Get("/api/v1/items/" + item)["item"]["id"], item);
  const json found = Get("/api/v1/items?page_size=1&id_prefix=" + item);
  EXPECT_EQ(found["items"][0]["id"], item);

  const json error =
      Post("/api/v1/rollback", {{"version", 999999}}, 404)["error"];
  EXPECT_EQ(error["code"], "NOT_FOUND");
  EXPECT_THAT(std::string(error["message"]), HasSubstr("999999"));
}

TEST_F(JsonApiTest, TheHistoryHasFiguresAndNoIds) {
  const ApiClient api(daemon_);
  EXPECT_GT(api.WriteOne("somebody", "something"), 0u);
  json history;
  // Looked at as often as a status comes.
  ASSERT_TRUE(api.WaitStatus([&](const v1::Status&) {
    history = Get("/api/v1/history?since=0");
    return !history["samples"].empty();
  }));
  const json& sample = history["samples"].back();
  EXPECT_EQ(sample.size(), history["figures"].size() + 1);
  EXPECT_THAT(history.dump(), testing::Not(HasSubstr("some")));
  const std::string newest = sample[0].dump();
  EXPECT_EQ(Get("/api/v1/history?since=" + newest)["samples"].size(), 0u);
  Get("/api/v1/history?since=yesterday", 400);
  Get("/api/v1/history?until=1", 400);
}

TEST_F(JsonApiTest, ErrorsNameFieldAndValue) {
  const json error =
      Post("/api/v1/recommend", {{"user_id", "u"}, {"k", 1001}}, 400)["error"];
  EXPECT_EQ(error["code"], "INVALID_ARGUMENT");
  EXPECT_THAT(std::string(error["message"]), HasSubstr("1001"));
  EXPECT_THAT(error.dump(), HasSubstr("\"field\":\"k\""));
  EXPECT_THAT(error.dump(), HasSubstr("request_id"));
}

TEST_F(JsonApiTest, ARequestKeepsItsId) {
  const auto result =
      http_->Post("/api/v1/recommend",
                  {{"X-Taud-Request", "1"}, {"X-Request-Id", "mine-7"}}, "{}",
                  "application/json");
  ASSERT_TRUE(result);
  EXPECT_THAT(result->body, HasSubstr("mine-7"));
}

TEST_F(JsonApiTest, StrangersPagesChangeNothing) {
  const httplib::Headers forged[] = {
      {{"X-Taud-Request", "1"}, {"Origin", "http://evil.example"}},
      {{"X-Taud-Request", "1"}, {"Sec-Fetch-Site", "cross-site"}},
      {{"X-Taud-Request", "1"}, {"Host", "evil.example"}},
      {},
  };
  for (const httplib::Headers& headers : forged) {
    for (const char* action : {"publish", "rollback", "pause", "resume",
                               "snapshots/keep", "snapshots/release"}) {
      const auto result = http_->Post(std::string("/api/v1/") + action, headers,
                                      "{}", "application/json");
      ASSERT_TRUE(result);
      EXPECT_TRUE(result->status == 403 || result->status == 421)
          << action << result->status;
    }
  }
  EXPECT_EQ(Refused("http_origin"), 18);
  EXPECT_EQ(Refused("http_host"), 6);
}

TEST_F(JsonApiTest, ABodyHasALimit) {
  const auto result =
      http_->Post("/api/v1/recommend", {{"X-Taud-Request", "1"}},
                  std::string(65537, ' '), "application/json");
  // Refused before it is read: the connection may end before the answer is.
  if (result) {
    EXPECT_EQ(result->status, 413);
  }
  EXPECT_EQ(Refused("http_body"), 1);
  // The largest that is taken.
  std::string body = R"({"user_id": "u", "k": 1)";
  body += std::string(65536 - body.size() - 1, ' ') + "}";
  EXPECT_EQ(http_
                ->Post("/api/v1/recommend", {{"X-Taud-Request", "1"}}, body,
                       "application/json")
                ->status,
            503);
}

}  // namespace
}  // namespace taud::e2e
