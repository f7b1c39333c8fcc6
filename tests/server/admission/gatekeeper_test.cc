#include "server/admission/gatekeeper.h"

#include <memory>
#include <string>

#include "auth/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using auth::Role;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

class GatekeeperTest : public testing::Test {
 protected:
  GatekeeperTest() : token_(*auth::MakeToken()) {}

  // One token and one certificate, both of who may observe.
  void Close() {
    auth::Credential credential;
    credential.name = "watcher";
    credential.id = token_.id;
    credential.hash = token_.hash;
    credential.roles.Add(Role::kObserve);
    auto table = auth::CredentialTable::Parse(
        auth::CredentialLine(credential) +
            "\n{\"name\": \"prober\", \"subject\": \"CN=prober\", \"roles\": "
            "[\"observe\"]}",
        "t");
    ASSERT_TRUE(table.ok()) << table.status();
    gate_.SetCredentials(
        std::make_shared<const auth::CredentialTable>(*std::move(table)));
  }
  absl::StatusOr<Caller> Admit(const std::string& authorization,
                               const std::string& subject = "",
                               Role role = Role::kObserve) {
    Presented presented;
    presented.authorization = authorization;
    presented.subject = subject;
    return gate_.Admit(presented, role, kNow);
  }

  auth::NewToken token_;
  Gatekeeper gate_;
};

TEST_F(GatekeeperTest, LetsEverybodyInUntilThereAreCredentials) {
  EXPECT_FALSE(gate_.closed());
  EXPECT_TRUE(Admit("", "", Role::kErase).ok());
  Close();
  EXPECT_TRUE(gate_.closed());
  EXPECT_TRUE(absl::IsUnauthenticated(Admit("").status()));
}

TEST_F(GatekeeperTest, TakesATokenInAnySpellingOfBearer) {
  Close();
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER   "}) {
    const auto caller = Admit(scheme + token_.text);
    ASSERT_TRUE(caller.ok()) << scheme << caller.status();
    EXPECT_EQ(caller->name, "watcher");
  }
  for (const std::string& authorization :
       {token_.text, "Basic " + token_.text, std::string("Bearer"),
        std::string("Bearer "), "Bearer " + token_.text + " x",
        "Bearer " + token_.hash}) {
    EXPECT_TRUE(absl::IsUnauthenticated(Admit(authorization).status()))
        << authorization;
  }
}

TEST_F(GatekeeperTest, NamesTheRoleThatIsMissing) {
  Close();
  const absl::Status status =
      Admit("Bearer " + token_.text, "", Role::kErase).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("the role erase"));
}

TEST_F(GatekeeperTest, ACertificateCountsWhereNoTokenIsSent) {
  Close();
  EXPECT_EQ(Admit("", "CN=prober")->name, "prober");
  EXPECT_TRUE(absl::IsUnauthenticated(Admit("", "CN=other").status()));
  // A wrong token is not made good by a certificate.
  EXPECT_TRUE(
      absl::IsUnauthenticated(Admit("Bearer wrong", "CN=prober").status()));
}

TEST_F(GatekeeperTest, TwoHeadersAreNone) {
  Close();
  Presented presented;
  presented.authorization = "Bearer " + token_.text;
  presented.twice = true;
  EXPECT_TRUE(absl::IsUnauthenticated(
      gate_.Admit(presented, Role::kObserve, kNow).status()));
}

TEST_F(GatekeeperTest, ARolesLimitsCountBesideTheCallersOwn) {
  auto table = auth::CredentialTable::Parse(
      R"({"name": "etl", "subject": "CN=etl", "roles": ["ingest", "observe"], )"
      R"("limits": {"interactions_per_second": 10, "max_weight": 5}}
{"role": "ingest", "limits": {"interactions_per_second": 20, "max_weight": 3}}
)",
      "t");
  ASSERT_TRUE(table.ok()) << table.status();
  gate_.SetCredentials(
      std::make_shared<const auth::CredentialTable>(*std::move(table)));
  const auto ingest = Admit("", "CN=etl", Role::kIngest);
  ASSERT_TRUE(ingest.ok()) << ingest.status();
  ASSERT_EQ(ingest->limited.size(), 2u);
  EXPECT_EQ(ingest->limited[0].limits.interactions_per_second, 10);
  EXPECT_EQ(ingest->limited[1].limits.interactions_per_second, 20);
  EXPECT_NE(ingest->limited[0].key, ingest->limited[1].key);
  EXPECT_EQ(ingest->max_weight, 3) << "the smaller one";
  // With another role its own limits alone.
  const auto observe = Admit("", "CN=etl", Role::kObserve);
  ASSERT_TRUE(observe.ok()) << observe.status();
  EXPECT_EQ(observe->limited.size(), 1u);
  EXPECT_EQ(observe->max_weight, 5);
}

// A wrong token may be nearly the right one.
TEST_F(GatekeeperTest, NoErrorRepeatsWhatWasSent) {
  Close();
  for (const std::string& sent :
       {std::string("Bearer taud_secret"), std::string("Basic c2VjcmV0")}) {
    EXPECT_THAT(std::string(Admit(sent).status().message()),
                testing::Not(HasSubstr(sent.substr(7))));
  }
}

}  // namespace
}  // namespace taud::server
