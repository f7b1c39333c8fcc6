#include "auth/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "auth/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::auth {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

struct Made {
  NewToken token;
  std::string line;
};

Made Make(const std::string& name, Role role,
          absl::Time expires = absl::InfiniteFuture()) {
  Made made{*MakeToken(), ""};
  Credential credential;
  credential.name = name;
  credential.id = made.token.id;
  credential.hash = made.token.hash;
  credential.roles.Add(role);
  credential.expires = expires;
  made.line = CredentialLine(credential);
  return made;
}

TEST(CredentialsTest, FindsTheTokenAmongSeveral) {
  const Made shop = Make("shop", Role::kRecommend);
  const Made etl = Make("etl", Role::kIngest, kNow + absl::Hours(1));
  const auto table = CredentialTable::Parse(
      absl::StrCat("# who may call\n\n", shop.line, "\r\n  ", etl.line), "t");
  ASSERT_TRUE(table.ok()) << table.status();
  const auto found = table->ByToken(etl.token.text, kNow);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->name, "etl");
  EXPECT_TRUE((*found)->roles.Has(Role::kIngest));
  EXPECT_FALSE((*found)->roles.Has(Role::kErase));
  EXPECT_EQ((*found)->expires, kNow + absl::Hours(1));
  EXPECT_EQ((*table->ByToken(shop.token.text, kNow))->name, "shop");
}

TEST(CredentialsTest, WrongAndExpiredOnesAreNobodys) {
  const Made made = Make("shop", Role::kRecommend, kNow);
  const auto table = CredentialTable::Parse(made.line, "t");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(table->ByToken(made.token.text, kNow - absl::Seconds(1)).ok());
  EXPECT_TRUE(
      absl::IsUnauthenticated(table->ByToken(made.token.text, kNow).status()));
  // The same id with another secret.
  std::string other = made.token.text;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  for (const std::string& text :
       {other, std::string(), std::string("taud_"), MakeToken()->text}) {
    EXPECT_TRUE(absl::IsUnauthenticated(
        table->ByToken(text, kNow - absl::Seconds(1)).status()))
        << text;
  }
}

TEST(CredentialsTest, ACertificateIsFoundByItsWholeSubject) {
  const auto table = CredentialTable::Parse(
      R"({"name": "billing", "subject": "CN=billing,O=Acme", "roles": ["erase"]})",
      "t");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(table->BySubject("CN=billing,O=Acme", kNow).ok());
  for (const char* subject : {"", "CN=billing", "CN=billing,O=Acme,C=DE"}) {
    EXPECT_TRUE(
        absl::IsUnauthenticated(table->BySubject(subject, kNow).status()))
        << subject;
  }
}

TEST(CredentialsTest, LimitsAreRead) {
  const auto table = CredentialTable::Parse(
      R"({"name": "b", "subject": "CN=b", "roles": ["erase"], "limits": )"
      R"({"requests_per_second": 2.5, "streams": 3}})",
      "t");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->all()[0].limits.requests_per_second, 2.5);
  EXPECT_EQ(table->all()[0].limits.streams, 3);
  EXPECT_EQ(table->all()[0].limits.bytes_per_second, 0);
  // What is not limited has the limits of others.
  Limits others;
  others.streams = 1;
  others.bytes_per_second = 1000;
  const Limits both = table->all()[0].limits.Or(others);
  EXPECT_EQ(both.requests_per_second, 2.5);
  EXPECT_EQ(both.streams, 3);
  EXPECT_EQ(both.bytes_per_second, 1000);
  EXPECT_EQ(both.interactions_per_second, 0);
  EXPECT_EQ(both.max_weight, 0);
  others.max_weight = 5;
  EXPECT_TRUE(others.any());
  others.streams = 0;
  others.bytes_per_second = 0;
  EXPECT_FALSE(others.any());  // a weight is not counted
  EXPECT_EQ(table->all()[0].limits.Or(others).max_weight, 5);
}

TEST(CredentialsTest, LimitsOfARoleAreRead) {
  const auto table =
      CredentialTable::Parse(Make("shop", Role::kRecommend).line +
                                 R"(
          {"role": "ingest", "limits": {"interactions_per_second": 20000, "max_weight": 3}})",
                             "t");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->all().size(), 1u);
  EXPECT_EQ(table->of(Role::kIngest).interactions_per_second, 20000);
  EXPECT_EQ(table->of(Role::kIngest).max_weight, 3);
  EXPECT_FALSE(table->of(Role::kRecommend).any());
}

TEST(CredentialsTest, FaultsNameTheLine) {
  const std::string good = Make("shop", Role::kRecommend).line + R"(
{"role": "erase", "limits": {"streams": 1}})";
  const struct {
    std::string line;
    const char* what;
  } bad[] = {
      {"shop", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"{}", "name: 1 to 128"},
      {R"({"name": "a b", "subject": "CN=a", "roles": ["erase"]})", "name: "},
      {R"({"name": "a", "subject": "CN=a", "roles": ["root"]})",
       "\"root\" is none of recommend"},
      {R"({"name": "a", "subject": "CN=a", "roles": []})", "roles: none"},
      {R"({"name": "a", "subject": "CN=a", "roles": "erase"})", "not a list"},
      {R"({"name": "a", "roles": ["erase"]})", "either id and hash"},
      {R"({"name": "a", "id": "zz", "hash": "x", "roles": ["erase"]})",
       "12 hexadecimal digits"},
      {R"({"name": "a", "id": "0123456789ab", "roles": ["erase"]})", "hash: "},
      {R"({"name": "a", "token": "x", "roles": ["erase"]})",
       "\"token\": unknown"},
      {R"({"name": "a", "subject": "CN=a", "roles": ["erase"], "expires": "soon"})",
       "no time of RFC 3339"},
      {R"({"name": "a", "subject": "CN=a", "roles": ["erase"], "limits": {"streams": 0}})",
       "no number above 0"},
      {R"({"name": "a", "subject": "CN=a", "roles": ["erase"], "limits": {"cows": 1}})",
       "limits.cows: unknown"},
      {R"({"name": "a", "name": "b", "subject": "CN=a", "roles": ["erase"]})",
       "given twice"},
      {R"({"role": "root", "limits": {"streams": 1}})",
       "role: \"root\" is none of recommend"},
      {R"({"role": 1, "limits": {"streams": 1}})", "role: 1 is none of"},
      {R"({"role": "ingest"})", "limits: are needed"},
      {R"({"role": "ingest", "limits": {}, "name": "a"})",
       "\"name\": unknown beside role"},
      {R"({"role": "ingest", "limits": {"streams": -1}})", "no number above 0"},
      {R"({"role": "erase", "limits": {"streams": 1}})",
       "an earlier line has limits of erase"},
      {good.substr(0, good.find('\n')), "the same id"},
  };
  for (const auto& one : bad) {
    const auto table =
        CredentialTable::Parse(absl::StrCat(good, "\n", one.line), "tokens");
    ASSERT_FALSE(table.ok()) << one.line;
    EXPECT_THAT(std::string(table.status().message()), HasSubstr("tokens:3: "))
        << one.line;
    EXPECT_THAT(std::string(table.status().message()), HasSubstr(one.what));
  }
}

TEST(CredentialsTest, AFileThatEverybodyMayWriteToIsRefused) {
  char path[] = "/tmp/taud-tokens-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << Make("shop", Role::kRecommend).line << "\n";
  EXPECT_TRUE(CredentialTable::Load(path).ok());
  chmod(path, 0602);
  EXPECT_TRUE(absl::IsFailedPrecondition(CredentialTable::Load(path).status()));
  unlink(path);
  EXPECT_TRUE(absl::IsNotFound(CredentialTable::Load(path).status()));
  EXPECT_TRUE(absl::IsNotFound(CredentialTable::Load("/tmp").status()));
}

}  // namespace
}  // namespace taud::auth
