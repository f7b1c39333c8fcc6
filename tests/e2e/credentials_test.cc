// Who may do what: tokens and roles, over gRPC and HTTP, against a real daemon.

#include "auth/credentials.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "auth/token.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/raw_call.h"
#include "tests/e2e/shell.h"

namespace taud::e2e {
namespace {

using auth::Role;
using testing::HasSubstr;
using testing::Not;

// Written beside and renamed, as those who exchange secrets do.
void Replace(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

struct Token {
  std::string text;
  std::string line;
};

Token MakeToken(const std::string& name, const std::vector<Role>& roles,
                absl::Time expires = absl::InfiniteFuture()) {
  const auto made = auth::MakeToken();
  EXPECT_TRUE(made.ok());
  auth::Credential credential;
  credential.name = name;
  credential.id = made->id;
  credential.hash = made->hash;
  for (const Role role : roles) credential.roles.Add(role);
  credential.expires = expires;
  return {made->text, auth::CredentialLine(credential) + "\n"};
}

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest()
      : tokens_file_(directory_.path() + "/tokens"),
        expired_(MakeToken("expired", {Role::kObserve, Role::kErase},
                           absl::Now() - absl::Hours(1))) {
    std::string lines = expired_.line;
    for (size_t r = 0; r < auth::kNumRoles; ++r) {
      const auto role = static_cast<Role>(r);
      tokens_[role] = MakeToken(auth::RoleName(role), {role});
      lines += tokens_[role].line;
    }
    Replace(tokens_file_, lines);
    std::vector<std::string> arguments = QuickTraining();
    for (const std::string& more :
         {std::string("--set"), "auth.tokens_file=" + tokens_file_,
          std::string("--set"), std::string("log.level=debug")}) {
      arguments.push_back(more);
    }
    daemon_ =
        std::make_unique<DaemonProcess>(directory_.path() + "/data", arguments);
    EXPECT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    channel_ = daemon_->channel();
  }

  // An empty request of any method, with `token` if it is not empty.
  grpc::Status Call(const std::string& path, const std::string& token,
                    const std::string& request = "") {
    grpc::ClientContext context;
    // A watch goes on for ever.
    const int seconds = absl::EndsWith(path, "WatchStatus") ? 1 : 30;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(seconds));
    if (!token.empty()) {
      context.AddMetadata("authorization", "Bearer " + token);
    }
    grpc::ByteBuffer response;
    return CallRaw(channel_, path, request, &context, &response);
  }

  // So many interactions of one user, in one call.
  grpc::Status Write(const Token& token, int count) {
    v1::WriteInteractionsRequest request;
    for (int i = 0; i < count; ++i) {
      v1::Interaction* interaction = request.add_interactions();
      interaction->set_user_id("u");
      interaction->set_item_id(absl::StrCat("i", i));
    }
    return Call("/taud.v1.IngestionService/WriteInteractions", token.text,
                request.SerializeAsString());
  }

  httplib::Result Http(const std::string& method, const std::string& path,
                       const std::string& token) {
    httplib::Client client("127.0.0.1", daemon_->http_port());
    client.set_read_timeout(60);
    httplib::Headers headers = {{"X-Taud-Request", "1"}};
    if (!token.empty()) headers.emplace("Authorization", "Bearer " + token);
    return method == "POST"
               ? client.Post(path, headers, "{}", "application/json")
               : client.Get(path, headers);
  }

  TemporaryDirectory directory_;
  const std::string tokens_file_;
  const Token expired_;
  std::map<Role, Token> tokens_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
};

// What docs/security.md says.
const std::map<std::string, Role>& Matrix() {
  static const auto* const matrix = new std::map<std::string, Role>{
      {"RecommendationService/Recommend", Role::kRecommend},
      {"RecommendationService/RecommendBatch", Role::kRecommend},
      {"RecommendationService/SimilarItems", Role::kRecommend},
      {"IngestionService/Ingest", Role::kIngest},
      {"IngestionService/WriteInteractions", Role::kIngest},
      {"IngestionService/RetractInteractions", Role::kIngest},
      {"CatalogService/UpsertItems", Role::kCatalog},
      {"CatalogService/UpsertUsers", Role::kCatalog},
      {"CatalogService/GetItem", Role::kCatalog},
      {"CatalogService/GetUser", Role::kCatalog},
      {"CatalogService/ListItems", Role::kCatalog},
      {"CatalogService/EraseUser", Role::kErase},
      {"CatalogService/DeleteItems", Role::kErase},
      {"CatalogService/GetErasure", Role::kErase},
      {"ModelService/Publish", Role::kOperate},
      {"ModelService/Rollback", Role::kOperate},
      {"ModelService/Backup", Role::kOperate},
      {"ModelService/KeepSnapshot", Role::kOperate},
      {"ModelService/ReleaseSnapshot", Role::kOperate},
      {"ModelService/Pause", Role::kOperate},
      {"ModelService/Resume", Role::kOperate},
      {"ModelService/GetStatus", Role::kObserve},
      {"ModelService/WatchStatus", Role::kObserve},
      {"ModelService/GetQuality", Role::kObserve},
      {"ModelService/ListSnapshots", Role::kObserve},
      {"ModelService/ListDecisions", Role::kObserve},
      {"ModelService/DiffSnapshots", Role::kObserve},
  };
  return *matrix;
}

TEST_F(CredentialsTest, EveryMethodAsksForItsRole) {
  const std::string wrong = auth::MakeToken()->text;
  size_t cells = 0;
  std::map<std::string, Role> seen;
  for (const google::protobuf::FileDescriptor* file :
       {v1::GetItemRequest::descriptor()->file(),
        v1::IngestRequest::descriptor()->file(),
        v1::GetStatusRequest::descriptor()->file(),
        v1::RecommendRequest::descriptor()->file()}) {
    const auto* service = file->service(0);
    for (int m = 0; m < service->method_count(); ++m) {
      const std::string name =
          absl::StrCat(service->name(), "/", service->method(m)->name());
      const std::string path = "/taud.v1." + name;
      ASSERT_EQ(Matrix().count(name), 1u) << name << " has no expected role";
      const Role needed = Matrix().at(name);
      seen[name] = needed;
      for (const std::string& token : {std::string(), wrong, expired_.text}) {
        EXPECT_EQ(Call(path, token).error_code(), grpc::UNAUTHENTICATED)
            << name << " with \"" << token << "\"";
        ++cells;
      }
      for (const auto& [role, token] : tokens_) {
        const grpc::Status status = Call(path, token.text);
        ++cells;
        if (role == needed) {
          EXPECT_NE(status.error_code(), grpc::UNAUTHENTICATED) << name;
          EXPECT_NE(status.error_code(), grpc::PERMISSION_DENIED) << name;
          continue;
        }
        EXPECT_EQ(status.error_code(), grpc::PERMISSION_DENIED)
            << name << " as " << auth::RoleName(role);
        EXPECT_THAT(
            status.error_message(),
            HasSubstr(absl::StrCat("the role ", auth::RoleName(needed))));
      }
    }
  }
  EXPECT_EQ(seen, Matrix());
  EXPECT_EQ(cells, Matrix().size() * (3 + auth::kNumRoles));
}

TEST_F(CredentialsTest, EveryPathAsksForItsRole) {
  const struct {
    const char* method;
    const char* path;
    Role needed;
  } paths[] = {
      {"GET", "/metrics", Role::kObserve},
      {"GET", "/v1/history", Role::kObserve},
      {"GET", "/v1/status", Role::kObserve},
      {"GET", "/v1/quality", Role::kObserve},
      {"GET", "/v1/decisions", Role::kObserve},
      {"GET", "/v1/snapshots", Role::kObserve},
      {"GET", "/v1/snapshots:diff?from=1&to=2", Role::kObserve},
      {"POST", "/v1/snapshots:keep", Role::kOperate},
      {"POST", "/v1/snapshots:release", Role::kOperate},
      {"POST", "/v1/publish", Role::kOperate},
      {"POST", "/v1/rollback", Role::kOperate},
      {"POST", "/v1/pause", Role::kOperate},
      {"POST", "/v1/resume", Role::kOperate},
      {"POST", "/v1/recommend", Role::kRecommend},
      {"POST", "/v1/recommend:batch", Role::kRecommend},
      {"POST", "/v1/interactions", Role::kIngest},
      {"POST", "/v1/interactions:stream", Role::kIngest},
      {"POST", "/v1/interactions:retract", Role::kIngest},
      {"POST", "/v1/items:batch", Role::kCatalog},
      {"POST", "/v1/items:delete", Role::kErase},
      {"POST", "/v1/users:batch", Role::kCatalog},
      {"POST", "/v1/users:erase", Role::kErase},
      {"GET", "/v1/erasures/1", Role::kErase},
      {"POST", "/v1/similar", Role::kRecommend},
      {"GET", "/v1/items", Role::kCatalog},
      {"GET", "/v1/items/m1", Role::kCatalog},
      {"GET", "/v1/users/u1", Role::kCatalog},
  };
  for (const auto& one : paths) {
    for (const std::string& token :
         {std::string(), auth::MakeToken()->text, expired_.text,
          // What metadata of gRPC could not carry.
          std::string("caf\xC3\xA9"), std::string(2000, 'x')}) {
      const auto result = Http(one.method, one.path, token);
      ASSERT_TRUE(result) << one.path;
      EXPECT_EQ(result->status, 401) << one.path << " " << result->body;
      EXPECT_EQ(result->get_header_value("WWW-Authenticate"), "Bearer");
    }
    for (const auto& [role, token] : tokens_) {
      const auto result = Http(one.method, one.path, token.text);
      ASSERT_TRUE(result) << one.path;
      const std::string who =
          absl::StrCat(one.path, " as ", auth::RoleName(role));
      if (role == one.needed) {
        EXPECT_TRUE(result->status != 401 && result->status != 403) << who;
      } else {
        EXPECT_EQ(result->status, 403) << who;
        EXPECT_THAT(result->body, HasSubstr("the role "));
      }
    }
  }
  // Without any: probes, and the page, which asks for a token itself.
  for (const char* path : {"/healthz", "/", "/app.js"}) {
    EXPECT_EQ(Http("GET", path, "")->status, 200) << path;
  }
  EXPECT_EQ(Http("GET", "/readyz", "")->status, 503);
  EXPECT_EQ(HealthOf(*daemon_, ""), "NOT_SERVING");
}

TEST_F(CredentialsTest, NobodyLearnsWhichIdsThereAre) {
  v1::UpsertItemsRequest items;
  items.add_items()->set_id("known");
  grpc::ClientContext context;
  context.AddMetadata("authorization",
                      "Bearer " + tokens_[Role::kCatalog].text);
  v1::UpsertItemsResponse upserted;
  ASSERT_TRUE(v1::CatalogService::NewStub(channel_)
                  ->UpsertItems(&context, items, &upserted)
                  .ok());
  for (const std::string& token :
       {std::string(), tokens_[Role::kIngest].text}) {
    std::vector<std::string> answers;
    for (const char* id : {"known", "unknown", ""}) {
      v1::GetItemRequest request;
      request.set_id(id);
      const grpc::Status status = Call("/taud.v1.CatalogService/GetItem", token,
                                       request.SerializeAsString());
      answers.push_back(
          absl::StrCat(status.error_code(), status.error_message()));
    }
    EXPECT_EQ(answers[0], answers[1]);
    EXPECT_EQ(answers[0], answers[2]);
  }
}

TEST_F(CredentialsTest, TokensChangeWhileItRuns) {
  const std::string status = "/taud.v1.ModelService/GetStatus";
  const std::string before = tokens_[Role::kObserve].text;
  // A watch of who will not be known any more.
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + before);
  v1::WatchStatusRequest request;
  request.set_interval_ms(100);
  const auto model = v1::ModelService::NewStub(channel_);
  const auto watch = model->WatchStatus(&context, request);
  v1::Status seen;
  ASSERT_TRUE(watch->Read(&seen));

  // Nobody is thrown out by a file that is no good.
  Replace(tokens_file_, "not a line\n");
  ASSERT_TRUE(daemon_->WaitForLog("the new file is no good"));
  EXPECT_TRUE(Call(status, before).ok());
  const auto said = [&] { return Http("GET", "/v1/status", before)->body; };
  EXPECT_THAT(said(), HasSubstr("file_not_read"));
  EXPECT_THAT(said(), HasSubstr(":1: not a JSON object"));
  EXPECT_THAT(
      Http("GET", "/metrics", before)->body,
      HasSubstr("taud_reloads_total{file=\"auth.tokens_file\",result=\"error\"}"
                " 1"));

  const Token next = MakeToken("observe", {Role::kObserve});
  Replace(tokens_file_, tokens_[Role::kObserve].line + next.line);
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.tokens_file"));
  EXPECT_TRUE(Call(status, before).ok()) << "several are valid at a time";
  EXPECT_TRUE(Call(status, next.text).ok());

  Replace(tokens_file_, next.line);
  while (watch->Read(&seen)) {
  }
  EXPECT_EQ(watch->Finish().error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Call(status, before).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_TRUE(Call(status, next.text).ok());
  EXPECT_THAT(Http("GET", "/v1/status", next.text)->body,
              Not(HasSubstr("file_not_read")));
}

TEST_F(CredentialsTest, NoTokenIsLogged) {
  const std::string wrong = auth::MakeToken()->text;
  const std::string right = tokens_[Role::kObserve].text;
  for (const std::string& token : {wrong, right}) {
    Call("/taud.v1.ModelService/GetStatus", token);
    Call("/taud.v1.ModelService/Publish", token);
    Http("GET", "/v1/status", token);
  }
  for (const std::string& token : {wrong, right}) {
    EXPECT_THAT(daemon_->log(), Not(HasSubstr(token.substr(20))));
  }
}

TEST_F(CredentialsTest, AStreamThatMayNotIngestEndsAtOnce) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + tokens_[Role::kErase].text);
  const auto stub = v1::IngestionService::NewStub(channel_);
  const auto stream = stub->Ingest(&context);
  v1::IngestAck ack;
  EXPECT_FALSE(stream->Read(&ack));
  EXPECT_EQ(stream->Finish().error_code(), grpc::PERMISSION_DENIED);
}

TEST_F(CredentialsTest, ACallerMayBeKeptFromHeavyWeights) {
  Token token = MakeToken("clicks", {Role::kIngest, Role::kObserve});
  std::string line = token.line;
  line.insert(line.rfind('}'), ",\"limits\":{\"max_weight\":2.2}");
  Replace(tokens_file_, line);
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.tokens_file"));
  const auto interaction = [](float weight) {
    v1::Interaction one;
    one.set_user_id("u");
    one.set_item_id("i");
    one.set_weight(weight);
    return one;
  };
  const auto write = [&](float weight) {
    v1::WriteInteractionsRequest request;
    *request.add_interactions() = interaction(weight);
    return Call("/taud.v1.IngestionService/WriteInteractions", token.text,
                request.SerializeAsString());
  };
  EXPECT_TRUE(write(0).ok());  // the default, 1
  EXPECT_TRUE(write(2.2F).ok());
  const grpc::Status refused = write(3);
  EXPECT_EQ(refused.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("interactions[0].weight: 3 is not allowed to this "
                        "caller; its limits have a max_weight of 2.2"));
  // Of a stream's batch the others are written.
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + token.text);
  const auto stub = v1::IngestionService::NewStub(channel_);
  const auto stream = stub->Ingest(&context);
  v1::IngestRequest batch;
  batch.set_batch_id(1);
  *batch.add_interactions() = interaction(2);
  *batch.add_interactions() = interaction(100);
  ASSERT_TRUE(stream->Write(batch));
  v1::IngestAck ack;
  ASSERT_TRUE(stream->Read(&ack));
  ASSERT_EQ(ack.rejected_size(), 1);
  EXPECT_EQ(ack.rejected(0).index(), 1u);
  EXPECT_THAT(Http("GET", "/metrics", token.text)->body,
              HasSubstr("taud_refused_total{reason=\"weight\"} 2"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(CredentialsTest, ALineOfTheFileHasItsLimits) {
  Token token = MakeToken("etl", {Role::kIngest, Role::kObserve});
  std::string line = token.line;
  line.insert(line.rfind('}'),
              ",\"limits\":{\"interactions_per_second\":5,\"streams\":1}");
  Replace(tokens_file_, line);
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.tokens_file"));
  // A debt that takes hours to pay.
  EXPECT_TRUE(Write(token, 10000).ok());
  const grpc::Status refused = Write(token, 1);
  EXPECT_EQ(refused.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("etl may take 5"));

  const auto model = v1::ModelService::NewStub(channel_);
  const auto watch = [&](grpc::ClientContext* context) {
    context->AddMetadata("authorization", "Bearer " + token.text);
    return model->WatchStatus(context, v1::WatchStatusRequest());
  };
  grpc::ClientContext first;
  const auto open = watch(&first);
  v1::Status seen;
  ASSERT_TRUE(open->Read(&seen));
  grpc::ClientContext second;
  const auto more = watch(&second);
  EXPECT_FALSE(more->Read(&seen));
  EXPECT_EQ(more->Finish().error_code(), grpc::RESOURCE_EXHAUSTED);
  first.TryCancel();
  EXPECT_THAT(daemon_->log(), Not(HasSubstr(token.text)));
}

TEST_F(CredentialsTest, AllWhoCallWithARoleHaveItsLimitsTogether) {
  Token one = MakeToken("etl", {Role::kIngest, Role::kObserve});
  Token other = MakeToken("clicks", {Role::kIngest});
  Replace(tokens_file_,
          one.line + "\n" + other.line +
              "\n{\"role\":\"ingest\",\"limits\":{\"interactions_per_"
              "second\":5}}");
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.tokens_file"));
  // What is refused for its size costs nobody anything: the next one wants all
  // that may be taken in a second, and makes a debt that takes hours to pay, of
  // both.
  EXPECT_EQ(Write(one, 10001).error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_TRUE(Write(one, 10000).ok());
  const grpc::Status refused = Write(other, 1);
  EXPECT_EQ(refused.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("the role ingest may take 5 (interactions_per_second"));
  EXPECT_TRUE(Call("/taud.v1.ModelService/GetStatus", one.text, "").ok());
}

TEST_F(CredentialsTest, TauctlMakesTokensAndCallsWithThem) {
  const Output made =
      Shell(TAUCTL_BINARY
            " token new --name ops --roles observe,operate 2>/dev/null");
  ASSERT_EQ(made.code, 0);
  const size_t end = made.text.find('\n');
  const std::string token = made.text.substr(0, end);
  Replace(tokens_file_, made.text.substr(end + 1));
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.tokens_file"));

  const std::string server = " --server " + daemon_->grpc_address();
  EXPECT_EQ(Shell(TAUCTL_BINARY + server + " status").code, 1);
  EXPECT_EQ(
      Shell("TAUD_TOKEN=" + token + " " TAUCTL_BINARY + server + " status")
          .code,
      0);
  const std::string file = directory_.path() + "/token";
  std::ofstream(file) << token << "\n";
  EXPECT_EQ(
      Shell(TAUCTL_BINARY + server + " --token-file " + file + " status").code,
      0);
  EXPECT_EQ(
      Shell(TAUCTL_BINARY + server + " --token-file " + file + " pause").code,
      0);
  EXPECT_EQ(Shell(TAUCTL_BINARY + server + " --token-file " + file +
                  " users get nobody")
                .code,
            1);
  EXPECT_NE(
      Shell(TAUCTL_BINARY + server + " --token-file /nowhere status").code, 0);
  EXPECT_NE(Shell(TAUCTL_BINARY " token new --name a --roles root").code, 0);
}

}  // namespace
}  // namespace taud::e2e
