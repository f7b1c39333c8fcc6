// Who has done what: the audit log of a real daemon, over gRPC and HTTP.

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "auth/credentials.h"
#include "auth/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using auth::Role;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class AuditTest : public testing::Test {
 protected:
  AuditTest() { std::filesystem::create_directory(audit_directory_); }

  // With a token of all roles but `operate`, unless `open`.
  void Start(const std::vector<std::string>& settings, bool open = false) {
    std::vector<std::string> arguments = QuickTraining();
    std::vector<std::string> all = settings;
    all.push_back("audit.file=" + file_);
    if (!open) {
      const auto made = auth::MakeToken();
      ASSERT_TRUE(made.ok());
      token_ = made->text;
      auth::Credential credential;
      credential.name = "shop";
      credential.id = made->id;
      credential.hash = made->hash;
      for (const Role role :
           {Role::kCatalog, Role::kErase, Role::kObserve, Role::kIngest}) {
        credential.roles.Add(role);
      }
      const std::string tokens = directory_.path() + "/tokens";
      std::ofstream(tokens) << auth::CredentialLine(credential) << "\n";
      all.push_back("auth.tokens_file=" + tokens);
    }
    for (const std::string& setting : all) {
      arguments.push_back("--set");
      arguments.push_back(setting);
    }
    daemon_ =
        std::make_unique<DaemonProcess>(directory_.path() + "/data", arguments);
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    api_ = std::make_unique<ApiClient>(*daemon_);
  }

  // The daemon's lines of a method.
  std::vector<json> Lines(const std::string& method) const {
    std::vector<json> lines;
    std::ifstream file(file_);
    for (std::string line; std::getline(file, line);) {
      json parsed = json::parse(line, nullptr, false);
      EXPECT_TRUE(parsed.is_object()) << line;
      if (parsed.value("method", "") == method) lines.push_back(parsed);
    }
    return lines;
  }

  void Authorise(grpc::ClientContext* context, const std::string& token) {
    if (!token.empty()) {
      context->AddMetadata("authorization", "Bearer " + token);
    }
  }

  grpc::Status Erase(const std::string& user, const std::string& token) {
    grpc::ClientContext context;
    Authorise(&context, token);
    context.AddMetadata("x-request-id", "r1");
    v1::EraseUserRequest request;
    request.set_id(user);
    v1::EraseUserResponse response;
    return api_->catalog->EraseUser(&context, request, &response);
  }

  grpc::Status Pause(const std::string& token) {
    grpc::ClientContext context;
    Authorise(&context, token);
    v1::PauseResponse response;
    return api_->model->Pause(&context, v1::PauseRequest(), &response);
  }

  httplib::Result Http(const std::string& method, const std::string& path,
                       const std::string& body = "") {
    httplib::Client client("127.0.0.1", daemon_->http_port());
    httplib::Headers headers = {{"Authorization", "Bearer " + token_}};
    return method == "POST"
               ? client.Post(path, headers, body, "application/json")
               : client.Get(path, headers);
  }

  TemporaryDirectory directory_;
  const std::string audit_directory_ = directory_.path() + "/audit";
  const std::string file_ = audit_directory_ + "/audit.log";
  std::string token_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<ApiClient> api_;
};

TEST_F(AuditTest, TellsWhoHasErasedWhomAndHowItEnded) {
  Start({});
  EXPECT_EQ(Erase("nobody", token_).error_code(), grpc::StatusCode::NOT_FOUND);
  // Both are there when the answer is.
  const auto lines = Lines("EraseUser");
  ASSERT_EQ(lines.size(), 2u);
  for (const json& line : lines) {
    EXPECT_EQ(line["who"], "shop");
    EXPECT_EQ(line["credential"], "token");
    EXPECT_EQ(line["role"], "erase");
    EXPECT_EQ(line["users"], json({"nobody"}));
    EXPECT_EQ(line["request_id"], "r1");
    EXPECT_THAT(line["address"].get<std::string>(), HasSubstr("127.0.0.1:"));
  }
  EXPECT_EQ(lines[0]["event"], "begin");
  EXPECT_EQ(lines[1]["event"], "end");
  EXPECT_EQ(lines[1]["code"], "NOT_FOUND");
}

TEST_F(AuditTest, TellsTheSameOfCallsOverHttp) {
  Start({});
  const auto answer = Http("POST", "/v1/items:delete", "{\"ids\":[\"i1\"]}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
  const auto lines = Lines("DeleteItems");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["who"], "shop");
  EXPECT_EQ(lines[1]["items"], json({"i1"}));
  EXPECT_EQ(lines[1]["code"], "OK");
  EXPECT_THAT(lines[1]["address"].get<std::string>(), HasSubstr("127.0.0.1:"));
}

TEST_F(AuditTest, TellsWhoWasNotLetIn) {
  Start({});
  EXPECT_EQ(Pause(token_).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Pause("wrong").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  httplib::Client client("127.0.0.1", daemon_->http_port());
  EXPECT_EQ(client.Get("/metrics")->status, 401);
  daemon_->Signal(SIGTERM);
  daemon_->Wait();
  const auto lines = Lines("Pause");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["event"], "refused");
  EXPECT_EQ(lines[0]["code"], "PERMISSION_DENIED");
  EXPECT_THAT(lines[0]["reason"].get<std::string>(), HasSubstr("shop"));
  EXPECT_EQ(lines[1]["code"], "UNAUTHENTICATED");
  EXPECT_EQ(Lines("/metrics").size(), 1u);
  // Nobody's secret is in it.
  std::ifstream file(file_);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, Not(HasSubstr(token_)));
  EXPECT_THAT(text, Not(HasSubstr("Bearer wrong")));
}

TEST_F(AuditTest, RecommendationsAndStatusAreToldOfOnlyBySampling) {
  Start({}, /*open=*/true);
  EXPECT_GT(api_->WriteOne("u1", "i1"), 0u);
  api_->Status();
  v1::UpsertItemsRequest items;
  items.add_items()->set_id("i1");
  EXPECT_TRUE(api_->Upsert(items).ok());
  daemon_->Signal(SIGTERM);
  daemon_->Wait();
  EXPECT_TRUE(Lines("WriteInteractions").empty());
  EXPECT_TRUE(Lines("GetStatus").empty());
  ASSERT_EQ(Lines("UpsertItems").size(), 1u);
  EXPECT_EQ(Lines("UpsertItems")[0]["credential"], "none");

  Start({"audit.sample_percent=100"}, /*open=*/true);
  EXPECT_GT(api_->WriteOne("u2", "i1"), 0u);
  api_->Status();
  EXPECT_TRUE(api_->WaitStatus([](const v1::Status&) { return true; }));
  daemon_->Signal(SIGTERM);
  daemon_->Wait();
  ASSERT_EQ(Lines("WriteInteractions").size(), 1u);
  EXPECT_EQ(Lines("WriteInteractions")[0]["users"], json({"u2"}));
  EXPECT_EQ(Lines("GetStatus").size(), 1u);
  ASSERT_EQ(Lines("WatchStatus").size(), 1u);
}

TEST_F(AuditTest, WithAKeyThereIsNoIdInTheFile) {
  const std::string key = directory_.path() + "/key";
  std::ofstream(key) << std::string(64, 'k') << "\n";
  Start({"audit.id_key_file=" + key});
  Erase("alice@example.org", token_);
  const auto lines = Lines("EraseUser");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["users"][0].get<std::string>().size(), 64u);
  EXPECT_FALSE(absl::StrContains(lines[0].dump(), "alice@"));
}

TEST_F(AuditTest, WhatCannotBeToldOfIsNotDone) {
  Start({}, /*open=*/true);
  EXPECT_GT(api_->WriteOne("u1", "i1"), 0u);
  std::filesystem::remove_all(audit_directory_);
  const grpc::Status refused = Erase("u1", "");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("nothing was done"));
  EXPECT_THAT(refused.error_message(), Not(HasSubstr(directory_.path())));
  EXPECT_EQ(Pause("").error_code(), grpc::StatusCode::UNAVAILABLE);
  // The user is still there, and so is everything that need not be told of.
  EXPECT_GT(api_->WriteOne("u1", "i2"), 0u);
  EXPECT_EQ(api_->Status().log().users(), 1u);
  EXPECT_THAT(api_->Status().summary(), HasSubstr("audit"));
  const std::string metrics = Http("GET", "/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("taud_problem{code=\"audit_not_written\","
                                 "severity=\"critical\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("taud_refused_total{reason=\"audit\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("taud_audit_lines_total{result=\"lost\"}"));

  std::filesystem::create_directory(audit_directory_);
  ASSERT_TRUE(api_->WaitStatus([](const v1::Status& status) {
    return !absl::StrContains(status.summary(), "audit");
  }));
  EXPECT_TRUE(Erase("u1", "").ok());
  EXPECT_EQ(Lines("EraseUser").size(), 2u);
}

TEST_F(AuditTest, DoesNotStartWithoutIt) {
  DaemonProcess daemon(directory_.path() + "/data",
                       {"--set", "audit.file=/nowhere/audit.log"});
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("audit.file: cannot open /nowhere"));
}

}  // namespace
}  // namespace taud::e2e
