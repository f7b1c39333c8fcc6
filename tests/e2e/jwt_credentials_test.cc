// Tokens of another's signing (JWTs), against a real daemon.

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;

// Of 32 bytes.
constexpr char kZeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
constexpr char kOthers[] = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
// {"alg":"HS256"}.{"iss":"me","aud":"taud","sub":"ann","exp":9999999999,
// "roles":"observe"} under the first key, made by another program; and the same
// of bob.
constexpr char kAnn[] =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtZSIsImF1ZCI6InRhdWQiLCJzdWI"
    "iOiJhbm4iLCJleHAiOjk5OTk5OTk5OTksInJvbGVzIjoib2JzZXJ2ZSJ9.vF"
    "QOj8Ae38mVs2AVvw9dnDs7DrZ5R6PrOyXAn1WOkbQ";
constexpr char kBob[] =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtZSIsImF1ZCI6InRhdWQiLCJzdWI"
    "iOiJib2IiLCJleHAiOjk5OTk5OTk5OTksInJvbGVzIjoib2JzZXJ2ZSJ9.xA"
    "nDstyoQ0GcwWwk2HSXXkRkFVRjv2ow6XaI45PawT4";

class JwtCredentialsTest : public testing::Test {
 protected:
  // Written beside and renamed, as those who exchange keys do.
  void WriteKeys(const std::string& text) const {
    std::ofstream(keys_ + ".new") << text;
    std::filesystem::rename(keys_ + ".new", keys_);
  }
  void WriteKey(const std::string& secret) const {
    WriteKeys(
        absl::StrCat(R"({"keys": [{"kty": "oct", "k": ")", secret, R"("}]})"));
  }
  void Start(const std::vector<std::string>& more = {}) {
    WriteKey(kZeros);
    std::vector<std::string> arguments = QuickTraining();
    std::vector<std::string> settings = {"auth.jwks_file=" + keys_,
                                         "auth.jwt_issuer=me",
                                         "auth.jwt_audience=taud"};
    settings.insert(settings.end(), more.begin(), more.end());
    for (const std::string& setting : settings) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    daemon_ =
        std::make_unique<DaemonProcess>(directory_.path() + "/data", arguments);
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  }
  grpc::Status Call(const std::string& token, bool publish = false) const {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    const auto stub = v1::ModelService::NewStub(daemon_->channel());
    v1::Status status;
    v1::PublishResponse published;
    return publish ? stub->Publish(&context, v1::PublishRequest(), &published)
                   : stub->GetStatus(&context, v1::GetStatusRequest(), &status);
  }

  TemporaryDirectory directory_;
  const std::string keys_ = directory_.path() + "/keys";
  std::unique_ptr<DaemonProcess> daemon_;
};

// The keys change while it runs.
TEST_F(JwtCredentialsTest, AJwtIsACredential) {
  Start();
  EXPECT_EQ(Call(kAnn).error_code(), grpc::OK);
  EXPECT_EQ(Call(kAnn, true).error_code(), grpc::PERMISSION_DENIED);
  EXPECT_EQ(Call(absl::StrCat(kAnn, "A")).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Call("x").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Call(auth::MakeToken()->text).error_code(), grpc::UNAUTHENTICATED);

  WriteKeys("{}");
  ASSERT_TRUE(daemon_->WaitForLog("the new file is no good"));
  EXPECT_EQ(Call(kAnn).error_code(), grpc::OK);
  WriteKey(kOthers);
  ASSERT_TRUE(daemon_->WaitForLog("read again what=auth.jwks_file"));
  EXPECT_EQ(Call(kAnn).error_code(), grpc::UNAUTHENTICATED);
}

// What the configuration says of who has no limits of his own: one call at
// once, and the next in a quarter of an hour.
TEST_F(JwtCredentialsTest, ASubjectHasLimits) {
  Start({"auth.requests_per_second=0.001"});
  EXPECT_TRUE(Call(kAnn).ok());
  const grpc::Status refused = Call(kAnn);
  EXPECT_EQ(refused.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("ann may take 0.001"));
  EXPECT_TRUE(Call(kBob).ok()) << "another's calls are his own";
}

}  // namespace
}  // namespace taud::e2e
