#include "server/api/json_routes.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "server/rpc/errors.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

HttpRequest Request(const std::string& method, const std::string& path,
                    const std::string& body = "") {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body;
  return request;
}

std::string MessageOf(const HttpRequest& request) {
  const auto route = FindJsonRoute(request);
  EXPECT_TRUE(route.ok()) << route.status();
  const auto message = MakeRpcRequest(**route, request);
  return message.ok() ? (*message)->ShortDebugString()
                      : std::string(message.status().message());
}

TEST(JsonRoutesTest, EveryPathOfThePageIsACall) {
  for (const char* path : {"status", "quality", "snapshots", "decisions",
                           "items", "users/u", "items/a/b", "snapshots:diff"}) {
    const HttpRequest request = Request("GET", std::string(kJsonRoot) + path);
    const auto route = FindJsonRoute(request);
    ASSERT_TRUE(route.ok()) << path;
    EXPECT_NE(MakeRpcResponse(**route), nullptr) << path;
  }
  for (const char* path :
       {"recommend", "similar", "publish", "rollback", "pause", "resume",
        "snapshots:keep", "snapshots:release"}) {
    EXPECT_TRUE(
        FindJsonRoute(Request("POST", std::string(kJsonRoot) + path)).ok())
        << path;
  }
}

TEST(JsonRoutesTest, AnotherMethodIsNamedAndAnotherPathIsUnknown) {
  EXPECT_TRUE(absl::IsUnimplemented(
      FindJsonRoute(Request("GET", "/v1/publish")).status()));
  for (const char* path :
       {"/v1/", "/v1/users/", "/v2/status", "/v1/status/x"}) {
    EXPECT_TRUE(absl::IsNotFound(FindJsonRoute(Request("GET", path)).status()))
        << path;
  }
}

TEST(JsonRoutesTest, NamesTheCallAsGrpcDoes) {
  const auto route = FindJsonRoute(Request("GET", "/v1/status"));
  EXPECT_EQ(RpcPath(**route), "/taud.v1.ModelService/GetStatus");
}

TEST(JsonRoutesTest, PathQueryAndBodyBecomeTheRequest) {
  HttpRequest request = Request("GET", "/v1/users/a/b");
  request.parameters = {{"limit", "7"}};
  EXPECT_EQ(MessageOf(request), "id: \"a/b\" limit: 7");
  EXPECT_EQ(MessageOf(Request("POST", "/v1/recommend",
                              R"({"user_id": "u", "k": 3,
                                  "include_reasons": true,
                                  "after_sequence": "9"})")),
            "user_id: \"u\" k: 3 after_sequence: 9 include_reasons: true");
  EXPECT_EQ(MessageOf(Request("POST", "/v1/publish")), "");
}

TEST(JsonRoutesTest, WhatIsWrongIsNamed) {
  HttpRequest request = Request("GET", "/v1/items");
  request.parameters = {{"page_size", "many"}};
  EXPECT_EQ(MessageOf(request),
            "page_size: \"many\" is not a value of type int32");
  request.parameters = {{"colour", "red"}};
  EXPECT_TRUE(absl::StartsWith(MessageOf(request), "colour: "));
  for (const char* body : {"{", "[]", R"({"k": "x"})", R"({"colour": 1})",
                           R"({"k": 1e99})", "\xff"}) {
    EXPECT_TRUE(absl::StartsWith(
        MessageOf(Request("POST", "/v1/recommend", body)), "body: "))
        << body;
  }
}

TEST(JsonRoutesTest, WhatIsNotUtf8IsNamed) {
  EXPECT_EQ(MessageOf(Request("POST", "/v1/recommend", "{\"\xff\": 1}")),
            "body: is not UTF-8");
  EXPECT_EQ(MessageOf(Request("GET", "/v1/users/\xc3")), "id: is not UTF-8");
  HttpRequest request = Request("GET", "/v1/items");
  request.parameters = {{"\xff", "1"}};
  EXPECT_EQ(MessageOf(request), "query: is not UTF-8");
}

TEST(JsonRoutesTest, DeepBodiesAreRefused) {
  std::string body = R"({"filter": )";
  for (int i = 0; i < 20000; ++i) body += "[";
  EXPECT_TRUE(absl::StartsWith(
      MessageOf(Request("POST", "/v1/recommend", body)), "body: "));
}

// A call that is added to the API is added here, or named as left out.
TEST(JsonRoutesTest, EveryCallHasOnePath) {
  std::set<std::string> left_out = {"taud.v1.ModelService.WatchStatus",
                                    "taud.v1.ModelService.Backup"};
  std::set<std::string> named;
  for (const JsonRoute& route : JsonRoutes()) {
    EXPECT_TRUE(named.insert(route.rpc).second) << route.rpc;
    const auto found = FindJsonRoute(Request(route.method, route.path));
    ASSERT_TRUE(found.ok()) << route.path;
    EXPECT_EQ((*found)->rpc, route.rpc);
  }
  for (const JsonRoute& route : JsonRoutes()) {
    const auto* service = MethodOf(route).service();
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string name = service->method(i)->full_name();
      EXPECT_NE(named.count(name), left_out.count(name)) << name;
    }
  }
}

TEST(JsonErrorTest, SaysCodeFieldAndWhenToRetry) {
  absl::Status status = FieldError("k", "0 is not allowed");
  HttpResponse response =
      JsonError(status, ToGrpcStatus(status, "id7").error_details());
  EXPECT_EQ(response.status, 400);
  const auto error = nlohmann::json::parse(response.body);
  EXPECT_EQ(error.at("code"), 3);
  EXPECT_EQ(error.at("message"), "k: 0 is not allowed");
  bool found = false;
  for (const auto& detail : error.at("details")) {
    if (!detail.contains("field_violations")) continue;
    found = true;
    EXPECT_EQ(detail.at("field_violations").at(0).at("field"), "k");
  }
  EXPECT_TRUE(found) << response.body;

  status = absl::ResourceExhaustedError("full");
  SetRetryDelay(absl::Milliseconds(1500), &status);
  response = JsonError(status, ToGrpcStatus(status, "").error_details());
  EXPECT_EQ(response.status, 429);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].second, "2");
}

TEST(JsonErrorTest, HasAStatusForEveryCode) {
  const struct {
    absl::StatusCode code;
    int status;
  } cases[] = {{absl::StatusCode::kNotFound, 404},
               {absl::StatusCode::kAlreadyExists, 409},
               {absl::StatusCode::kFailedPrecondition, 400},
               {absl::StatusCode::kPermissionDenied, 403},
               {absl::StatusCode::kUnimplemented, 501},
               {absl::StatusCode::kUnavailable, 503},
               {absl::StatusCode::kDeadlineExceeded, 504},
               {absl::StatusCode::kDataLoss, 500}};
  for (const auto& c : cases) {
    EXPECT_EQ(JsonError(absl::Status(c.code, "x\xff"), "not a message").status,
              c.status);
  }
}

}  // namespace
}  // namespace taud::server
