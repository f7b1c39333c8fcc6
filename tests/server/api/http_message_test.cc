#include "server/api/http_message.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(HttpMessageTest, ParsesLineHeadersAndBody) {
  const auto request = ParseHttpRequest(
      "POST /v1/users/a%2Fb%20c?limit=3&title=x+y%26z HTTP/1.1\r\n"
      "Host: localhost:9464\r\nX-TAUD-Request: 1\r\n"
      "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n{\"\"}");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->path, "/v1/users/a/b c");
  EXPECT_EQ(request->parameters,
            (Parameters{{"limit", "3"}, {"title", "x y&z"}}));
  EXPECT_EQ(request->Header("x-taud-request"), "1");
  EXPECT_EQ(request->body, "{\"\"}");  // as it came, whatever the encoding
}

TEST(HttpMessageTest, AHeaderThatComesTwiceSaysNothing) {
  const auto request = ParseHttpRequest(
      "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n");
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->HasHeader("host"));
  EXPECT_EQ(request->Header("host"), std::nullopt);
}

TEST(HttpMessageTest, RefusesWhatIsNoRequest) {
  for (const char* text : {"", "\r\n\r\n", "GET\r\n\r\n",
                           "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\r\n\r\n"}) {
    EXPECT_FALSE(ParseHttpRequest(text).has_value()) << text;
  }
}

TEST(HttpMessageTest, OnlyPostHasABody) {
  const std::string length = " / HTTP/1.1\r\nContent-Length: 7\r\n\r\n";
  EXPECT_EQ(BodyLengthOf("POST" + length).bytes, 7u);
  EXPECT_EQ(BodyLengthOf("GET" + length).bytes, 0u);
  EXPECT_EQ(BodyLengthOf("POST / HTTP/1.1\r\n\r\n").bytes, 0u);
}

TEST(HttpMessageTest, OnlyOneWayTellsTheLengthOfABody) {
  using Kind = BodyLength::Kind;
  const auto kind = [](const std::string& headers,
                       const std::string& line = "POST / HTTP/1.1") {
    return BodyLengthOf(line + "\r\n" + headers + "\r\n").kind;
  };
  EXPECT_EQ(kind("Transfer-Encoding: chunked\r\n"), Kind::kChunked);
  EXPECT_EQ(kind("transfer-encoding:Chunked \r\n"), Kind::kChunked);
  EXPECT_EQ(kind("Transfer-Encoding: gzip, chunked\r\n"), Kind::kUnsupported);
  EXPECT_EQ(kind("Transfer-Encoding: identity\r\n"), Kind::kUnsupported);
  EXPECT_EQ(kind("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
            Kind::kMalformed);
  EXPECT_EQ(kind("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
            Kind::kMalformed);
  EXPECT_EQ(
      kind("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      Kind::kMalformed);
  for (const char* blank :
       {"Transfer-Encoding : chunked\r\n", "Content-Length\t: 3\r\n",
        " Content-Length: 3\r\n", "X : y\r\n"}) {
    EXPECT_EQ(kind(blank), Kind::kMalformed) << blank;
    EXPECT_EQ(kind(blank, "GET / HTTP/1.1"), Kind::kMalformed) << blank;
  }
  EXPECT_EQ(kind("X: a b: c\r\n", "GET /a:b HTTP/1.1"), Kind::kKnown);
  EXPECT_EQ(kind("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"),
            Kind::kMalformed);
}

// What is not read of it would be the next request.
TEST(HttpMessageTest, ABodyThatIsNotReadClosesTheConnection) {
  for (const char* header :
       {"Content-Length: 3", "Transfer-Encoding: chunked"}) {
    const auto request = ParseHttpRequest(
        absl::StrCat("GET / HTTP/1.1\r\n", header, "\r\n\r\n"));
    ASSERT_TRUE(request.has_value());
    EXPECT_FALSE(request->keeps_open) << header;
  }
  EXPECT_TRUE(ParseHttpRequest("GET / HTTP/1.1\r\n\r\n")->keeps_open);
}

TEST(HttpMessageTest, AnAnswerSaysItsLength) {
  HttpResponse response;
  response.status = 421;
  response.body = "abc";
  response.headers = {{"Retry-After", "2"}};
  const std::string text = WriteHttpResponse(response, false);
  EXPECT_TRUE(absl::StartsWith(text, "HTTP/1.1 421 Misdirected Request\r\n"))
      << text;
  EXPECT_TRUE(absl::StrContains(text, "Content-Length: 3\r\n")) << text;
  EXPECT_TRUE(absl::StrContains(text, "Retry-After: 2\r\n")) << text;
  EXPECT_TRUE(absl::EndsWith(text, "\r\n\r\nabc")) << text;
}

}  // namespace
}  // namespace taud::server
