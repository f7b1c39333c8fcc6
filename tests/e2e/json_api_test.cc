// The API as JSON, asked as a page and as a program would.

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
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
  // As curl would send it.
  json Plain(const std::string& path, const json& body) {
    return Parsed(path, http_->Post(path, body.dump(), "application/json"),
                  200);
  }
  static std::vector<json> Lines(const std::string& body) {
    std::vector<json> lines;
    for (const absl::string_view line :
         absl::StrSplit(body, '\n', absl::SkipEmpty())) {
      lines.push_back(json::parse(line.begin(), line.end(), nullptr, false));
    }
    return lines;
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
  std::string Own() const {
    return "http://127.0.0.1:" + std::to_string(daemon_.http_port());
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
  EXPECT_EQ(Get("/v1/status")["ready"], false);
  EXPECT_EQ(Get("/v1/snapshots")["snapshots"].size(), 0u);
  EXPECT_EQ(Get("/v1/items?title=a")["items"].size(), 0u);
  const json error = Post("/v1/recommend", {{"user_id", "u"}, {"k", 3}}, 503);
  EXPECT_EQ(error["code"], 14);
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
  const json published = Post("/v1/publish", json::object());
  const std::string version = published["version"];
  EXPECT_EQ(Get("/v1/status")["serving"]["snapshot_version"], version);

  const json answer = Post("/v1/recommend", {{"user_id", user},
                                             {"k", 3},
                                             {"include_titles", true},
                                             {"include_reasons", true}});
  ASSERT_EQ(answer["items"].size(), 3u) << answer;
  EXPECT_EQ(answer["snapshot"]["version"], version);
  const std::string item = answer["items"][0]["id"];
  EXPECT_EQ(Post("/v1/similar", {{"item_id", item}, {"k", 2}})["items"].size(),
            2u);
  EXPECT_EQ(Get("/v1/users/" + user)["id"], user);
  EXPECT_EQ(Get("/v1/items/" + item)["item"]["id"], item);
  const json found = Get("/v1/items?page_size=1&id_prefix=" + item);
  EXPECT_EQ(found["items"][0]["id"], item);

  const json error = Post("/v1/rollback", {{"version", 999999}}, 404);
  EXPECT_EQ(error["code"], 5);
  EXPECT_THAT(std::string(error["message"]), HasSubstr("999999"));
}

TEST_F(JsonApiTest, TheHistoryHasFiguresAndNoIds) {
  const ApiClient api(daemon_);
  EXPECT_GT(api.WriteOne("somebody", "something"), 0u);
  json history;
  // Looked at as often as a status comes.
  ASSERT_TRUE(api.WaitStatus([&](const v1::Status&) {
    history = Get("/v1/history?since=0");
    return !history["samples"].empty();
  }));
  const json& sample = history["samples"].back();
  EXPECT_EQ(sample.size(), history["figures"].size() + 1);
  EXPECT_THAT(history.dump(), testing::Not(HasSubstr("some")));
  const std::string newest = sample[0].dump();
  EXPECT_EQ(Get("/v1/history?since=" + newest)["samples"].size(), 0u);
  Get("/v1/history?since=yesterday", 400);
  Get("/v1/history?until=1", 400);
}

TEST_F(JsonApiTest, ErrorsNameFieldAndValue) {
  const json error =
      Post("/v1/recommend", {{"user_id", "u"}, {"k", 1001}}, 400);
  EXPECT_EQ(error["code"], 3);
  EXPECT_THAT(std::string(error["message"]), HasSubstr("1001"));
  EXPECT_THAT(error.dump(), HasSubstr("\"field\":\"k\""));
  EXPECT_THAT(error.dump(), HasSubstr("request_id"));
}

TEST_F(JsonApiTest, ARequestKeepsItsId) {
  const auto result = http_->Post(
      "/v1/recommend", {{"X-Taud-Request", "1"}, {"X-Request-Id", "mine-7"}},
      "{}", "application/json");
  ASSERT_TRUE(result);
  EXPECT_THAT(result->body, HasSubstr("mine-7"));
}

TEST_F(JsonApiTest, StrangersPagesChangeNothing) {
  const httplib::Headers forged[] = {
      {{"X-Taud-Request", "1"}, {"Origin", "http://evil.example"}},
      {{"X-Taud-Request", "1"}, {"Sec-Fetch-Site", "cross-site"}},
      {{"X-Taud-Request", "1"}, {"Host", "evil.example"}},
      {{"Origin", Own()}},  // our own page never leaves the mark out
  };
  for (const httplib::Headers& headers : forged) {
    for (const char* action : {"publish", "rollback", "pause", "resume",
                               "snapshots:keep", "snapshots:release"}) {
      const auto result = http_->Post(std::string("/v1/") + action, headers,
                                      "{}", "application/json");
      ASSERT_TRUE(result);
      EXPECT_TRUE(result->status == 403 || result->status == 421)
          << action << result->status;
    }
  }
  EXPECT_EQ(Refused("http_origin"), 18);
  EXPECT_EQ(Refused("http_host"), 6);
}

TEST_F(JsonApiTest, AFormIsNoProgram) {
  for (const char* type : {"application/x-www-form-urlencoded", "text/plain"}) {
    const auto result = http_->Post("/v1/pause", "{}", type);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 415) << type;
    EXPECT_THAT(result->body, HasSubstr("curl: --json"));
  }
}

TEST_F(JsonApiTest, AProgramNeedsNoMark) {
  Plain("/v1/items:batch",
        {{"items", {{{"id", "a"}, {"title", "A"}, {"tags", {"new"}}}}}});
  Plain("/v1/users:batch", {{"users", {{{"id", "u"}}}}});
  const json written =
      Plain("/v1/interactions",
            {{"interactions", {{{"user_id", "u"}, {"item_id", "a"}}}}});
  ASSERT_EQ(written["sequences"].size(), 1u) << written;
  EXPECT_EQ(Get("/v1/users/u")["seen"], "1");
  EXPECT_EQ(
      Plain("/v1/interactions:retract",
            {{"retractions",
              {{{"sequence", written["sequences"][0]}}}}})["interactions"],
      "1");
  const json erased = Plain("/v1/users:erase", {{"id", "u"}})["erasure"];
  const std::string id = erased["erasure_id"];
  EXPECT_EQ(Get("/v1/erasures/" + id)["subject"], "user");
  EXPECT_EQ(Plain("/v1/items:delete", {{"ids", {"a", "b"}}})["unknown_ids"],
            json({"b"}));
  const auto paused = http_->Post("/v1/pause");
  ASSERT_TRUE(paused);
  EXPECT_EQ(paused->status, 200) << paused->body;
}

TEST_F(JsonApiTest, LinesAreAStreamAndEachIsAcknowledged) {
  const auto send = [this](const std::string& body) {
    return http_->Post("/v1/interactions:stream", body, "application/x-ndjson");
  };
  const std::string first =
      R"({"stream_id":"s","batch_id":1,"interactions":[{"user_id":"u","item_id":"a"}]})"
      "\n\n"
      R"({"batch_id":"2","interactions":[{"user_id":"u","item_id":"b"},{"user_id":""}]})";
  auto result = send(first);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  std::vector<json> acks = Lines(result->body);
  ASSERT_EQ(acks.size(), 2u) << result->body;
  EXPECT_EQ(acks[0]["accepted"], 1);
  EXPECT_EQ(acks[1]["batch_id"], "2");
  EXPECT_EQ(acks[1]["rejected"][0]["index"], 1);
  // The same again writes nothing.
  acks = Lines(send(first)->body);
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(acks[0]["accepted"], 0);
  EXPECT_EQ(acks[0]["duplicates"], 1);
  acks = Lines(send(R"({"stream_id":"s"})")->body);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0]["stream_position"], true);
  EXPECT_EQ(acks[0]["batch_id"], "2");
  // A body whose length nobody knows yet, in chunks that end anywhere.
  const std::string lines =
      R"({"stream_id":"s","batch_id":3,"interactions":[{"user_id":"u","item_id":"d"}]})"
      "\n"
      R"({"batch_id":4,"interactions":[{"user_id":"u","item_id":"e"}]})";
  result = http_->Post(
      "/v1/interactions:stream",
      [&lines](size_t offset, httplib::DataSink& sink) {
        const std::string piece = lines.substr(offset, 7);
        if (piece.empty()) {
          sink.done();
          return true;
        }
        return sink.write(piece.data(), piece.size());
      },
      "application/x-ndjson");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200) << result->body;
  acks = Lines(result->body);
  ASSERT_EQ(acks.size(), 2u) << result->body;
  EXPECT_EQ(acks[1]["batch_id"], "4");
  EXPECT_EQ(acks[1]["accepted"], 1);
  // What came before a fault is acknowledged.
  result = send(R"({"interactions":[{"user_id":"u","item_id":"c"}]})"
                "\n{\"interactions\": 7}\n"
                R"({"interactions":[{"user_id":"u","item_id":"never"}]})");
  EXPECT_EQ(result->status, 400);
  acks = Lines(result->body);
  ASSERT_EQ(acks.size(), 2u) << result->body;
  EXPECT_EQ(acks[0]["accepted"], 1);
  EXPECT_THAT(std::string(acks[1]["error"]["message"]), HasSubstr("line 2"));
  EXPECT_EQ(Get("/v1/users/u")["seen"], "5");
}

TEST_F(JsonApiTest, AConnectionServesManyCalls) {
  http_->set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const auto result = http_->Get("/v1/status");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->get_header_value("Connection"), "keep-alive");
  }
  const auto page = http_->Get("/healthz");
  EXPECT_EQ(page->get_header_value("Connection"), "close");
}

TEST_F(JsonApiTest, TheDescriptionNamesEveryPath) {
  const json document = Get("/openapi.json");
  EXPECT_EQ(document["openapi"], "3.1.0");
  const json& operation = document["paths"]["/v1/recommend"]["post"];
  EXPECT_EQ(operation["operationId"], "Recommend");
  EXPECT_THAT(std::string(operation["description"]), HasSubstr("best items"));
  const json& fields =
      document["components"]["schemas"]["RecommendRequest"]["properties"];
  EXPECT_EQ(fields["k"]["type"], "integer");
  const json& schemes = document["components"]["securitySchemes"];
  EXPECT_EQ(schemes["token"]["scheme"], "bearer");
  EXPECT_EQ(schemes["certificate"]["type"], "mutualTLS");
  EXPECT_EQ(operation["security"],
            json::parse("[{\"token\":[\"recommend\"]},"
                        "{\"certificate\":[\"recommend\"]},{}]"));
  EXPECT_EQ(fields["filter"]["$ref"], "#/components/schemas/Filter");
  for (const auto& [path, methods] : document["paths"].items()) {
    if (!methods.contains("get")) continue;
    const std::string asked = path.substr(0, path.find('{'));
    const auto result = http_->Get(asked == path ? asked : asked + "nobody");
    ASSERT_TRUE(result) << path;
    EXPECT_NE(result->status, 405) << path;
    EXPECT_THAT(result->body, testing::Not(HasSubstr("no such path"))) << path;
  }
}

TEST_F(JsonApiTest, ABodyHasALimit) {
  std::signal(SIGPIPE, SIG_IGN);  // the library writes on when we have closed
  const auto result =
      http_->Post("/v1/recommend", {{"X-Taud-Request", "1"}},
                  std::string((4 << 20) + 1, ' '), "application/json");
  // Refused before it is read: the connection may end before the answer is.
  if (result) {
    EXPECT_EQ(result->status, 413);
  }
  EXPECT_EQ(Refused("http_body"), 1);
  // The largest that is taken.
  std::string body = R"({"user_id": "u", "k": 1)";
  body += std::string((4 << 20) - body.size() - 1, ' ') + "}";
  EXPECT_EQ(http_
                ->Post("/v1/recommend", {{"X-Taud-Request", "1"}}, body,
                       "application/json")
                ->status,
            503);
}

}  // namespace
}  // namespace taud::e2e
