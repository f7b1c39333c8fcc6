#include "server/api/http_safety.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpRequest Request(const std::string& method, const Headers& headers) {
  HttpRequest request;
  request.method = method;
  for (const auto& [name, value] : headers) {
    request.headers.emplace(name, value);
  }
  return request;
}

TEST(HttpHostsTest, TakesAddressesAndListedNames) {
  const auto hosts =
      HttpHosts::Parse("box.internal:9464", "a.example, B.example");
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  for (const char* host : {"localhost", "LOCALHOST:9464", "127.0.0.1:9464",
                           "10.1.2.3", "[::1]", "[::1]:9464", "[fd00::7]:80",
                           "box.internal", "a.example:443", "b.EXAMPLE"}) {
    EXPECT_TRUE(hosts->Allows(host)) << host;
  }
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "a.example.evil",
        "127.0.0.1.evil.example", "localhost@evil", "localhost:80@evil.example",
        "[::1", "[::1]evil", "0x7f.1", "xlocalhost", ":9464"}) {
    EXPECT_FALSE(hosts->Allows(host)) << host;
  }
}

TEST(HttpHostsTest, ABadNameIsNamed) {
  for (const char* name : {"http://x", "a:80", "a b", "*"}) {
    const auto hosts = HttpHosts::Parse("127.0.0.1:0", name);
    EXPECT_TRUE(absl::StrContains(hosts.status().message(), name)) << name;
  }
}

TEST(CheckHostTest, WithoutOneHostThereIsNone) {
  const auto hosts = HttpHosts::Parse("127.0.0.1:9464", "");
  EXPECT_FALSE(CheckHost(Request("GET", {{"host", "localhost"}}), *hosts));
  for (const Headers& headers :
       {Headers{}, Headers{{"host", "localhost"}, {"host", "localhost"}},
        Headers{{"host", "evil.example"}}}) {
    const auto refused = CheckHost(Request("GET", headers), *hosts);
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->status, 421);
    EXPECT_EQ(refused->reason, Refusal::kHttpHost);
  }
}

struct OriginCase {
  const char* what;
  std::string method;
  Headers headers;
  int status;  // 0: answered
};

TEST(CheckOriginTest, OnlyOurOwnPageAndPrograms) {
  const Headers mark = {{"host", "localhost:9464"},
                        {"content-type", "application/json; charset=utf-8"},
                        {"x-taud-request", "1"}};
  const auto with = [&mark](Headers more) {
    more.insert(more.end(), mark.begin(), mark.end());
    return more;
  };
  const std::vector<OriginCase> cases = {
      {"a program reads", "GET", {}, 0},
      {"typed by a person", "GET", {{"sec-fetch-site", "none"}}, 0},
      {"our page reads", "GET", {{"sec-fetch-site", "same-origin"}}, 0},
      {"another page reads", "GET", {{"sec-fetch-site", "cross-site"}}, 403},
      {"a sister site reads", "GET", {{"sec-fetch-site", "same-site"}}, 403},
      {"said twice",
       "GET",
       {{"sec-fetch-site", "none"}, {"sec-fetch-site", "none"}},
       403},
      {"a program acts", "POST", mark, 0},
      {"our page acts", "POST",
       with({{"origin", "http://localhost:9464"},
             {"sec-fetch-site", "same-origin"}}),
       0},
      {"behind TLS", "POST", with({{"origin", "https://LOCALHOST:9464"}}), 0},
      {"another origin", "POST", with({{"origin", "http://evil.example"}}),
       403},
      {"another port", "POST", with({{"origin", "http://localhost:80"}}), 403},
      {"a sandboxed frame", "POST", with({{"origin", "null"}}), 403},
      {"an empty origin", "POST", with({{"origin", ""}}), 403},
      {"another scheme", "POST", with({{"origin", "file://localhost:9464"}}),
       403},
      {"cross-site", "POST", with({{"sec-fetch-site", "cross-site"}}), 403},
      {"typed, and acts", "POST", with({{"sec-fetch-site", "none"}}), 403},
      {"a form",
       "POST",
       {{"host", "localhost"},
        {"content-type", "application/x-www-form-urlencoded"},
        {"x-taud-request", "1"}},
       415},
      {"a form as text",
       "POST",
       {{"host", "localhost"},
        {"content-type", "text/plain"},
        {"x-taud-request", "1"}},
       415},
      {"our page without the mark",
       "POST",
       {{"host", "localhost"},
        {"origin", "http://localhost"},
        {"content-type", "application/json"}},
       403},
      {"a browser without the mark",
       "POST",
       {{"host", "localhost"},
        {"sec-fetch-site", "same-origin"},
        {"content-type", "application/json"}},
       403},
      {"curl", "POST", {{"content-type", "application/json"}}, 0},
      {"curl sends lines",
       "POST",
       {{"content-type", "application/x-ndjson"}},
       0},
      {"curl sends nothing", "POST", {}, 0},
      {"a form with nothing in it, of a browser that says no more",
       "POST",
       {{"content-type", "text/plain"}},
       415},
      {"a page that sends nothing",
       "POST",
       {{"host", "localhost"},
        {"origin", "http://localhost"},
        {"x-taud-request", "1"}},
       415},
      {"a listed page acts",
       "POST",
       {{"host", "api.example"},
        {"origin", "https://SHOP.example"},
        {"sec-fetch-site", "cross-site"},
        {"content-type", "application/json"}},
       0},
      {"a listed page's form",
       "POST",
       {{"host", "api.example"},
        {"origin", "https://shop.example"},
        {"content-type", "text/plain"}},
       415},
      {"another port than listed", "POST",
       with({{"origin", "https://shop.example:8443"}}), 403},
      {"two origins", "POST",
       with({{"origin", "https://shop.example"},
             {"origin", "https://shop.example"}}),
       403},
  };
  const auto listed = HttpOrigins::Parse("https://shop.example");
  for (const OriginCase& c : cases) {
    const auto refused = CheckOrigin(Request(c.method, c.headers), *listed);
    EXPECT_EQ(refused.has_value() ? refused->status : 0, c.status) << c.what;
    if (!refused.has_value()) continue;
    EXPECT_EQ(refused->reason, Refusal::kHttpOrigin) << c.what;
  }
}

}  // namespace
}  // namespace taud::server
