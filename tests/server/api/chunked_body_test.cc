#include "server/api/chunked_body.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace taud::server {
namespace {

using Result = ChunkedBody::Result;

struct Taken {
  Result result = Result::kMore;
  std::string body;
  std::string left;
};

// In pieces of so many bytes.
Taken Take(const std::string& coded, size_t piece, size_t max_bytes = 1000) {
  Taken taken;
  ChunkedBody chunks(max_bytes);
  for (size_t at = 0; at < coded.size() && taken.result == Result::kMore;
       at += piece) {
    absl::string_view view = absl::string_view(coded).substr(at, piece);
    taken.result = chunks.Take(&view, &taken.body);
    taken.left = std::string(view);
  }
  return taken;
}

TEST(ChunkedBodyTest, TheBodyIsTheSameInPiecesOfAnySize) {
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"0\r\n\r\n", ""},
      {"4\r\nabcd\r\n0\r\n\r\n", "abcd"},
      {"4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n", "abcdef"},
      {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"00a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
      {"2;n=v\r\nab\r\n1 ;q=\"x\"\r\nc\r\n0;last\r\n\r\n", "abc"},
      {"2\r\n\r\n\r\n0\r\nDigest: x\r\nA: b\r\n\r\n", "\r\n"},
  };
  for (const auto& [coded, body] : bodies) {
    for (const size_t piece : {1, 2, 3, 7, 1000}) {
      const Taken taken = Take(coded, piece);
      EXPECT_EQ(taken.result, Result::kWhole) << coded << piece;
      EXPECT_EQ(taken.body, body) << coded << piece;
    }
  }
}

TEST(ChunkedBodyTest, ChunksOfAByteWithLongExtensionsAreRefused) {
  std::string coded;
  for (int chunk = 0; chunk < 1000; ++chunk) {
    absl::StrAppend(&coded, "1;", std::string(200, 'x'), "\r\na\r\n");
  }
  coded += "0\r\n\r\n";
  EXPECT_EQ(Take(coded, 4096).result, Result::kMalformed);
  // Short chunks alone are none of it.
  coded.clear();
  for (int chunk = 0; chunk < 20000; ++chunk) coded += "6\r\nabcdef\r\n";
  coded += "0\r\n\r\n";
  const Taken taken = Take(coded, 4096, 1000000);
  EXPECT_EQ(taken.result, Result::kWhole);
  EXPECT_EQ(taken.body.size(), 120000u);
}

TEST(ChunkedBodyTest, WhatComesBehindItIsLeft) {
  const Taken taken = Take("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n", 1000);
  EXPECT_EQ(taken.result, Result::kWhole);
  EXPECT_EQ(taken.left, "GET / HTTP/1.1\r\n");
}

TEST(ChunkedBodyTest, WithoutItsEndThereIsMore) {
  for (const char* coded : {"", "4", "4\r", "4\r\nab", "4\r\nabcd",
                            "4\r\nabcd\r\n0\r\n", "0\r\nA: b\r\n"}) {
    EXPECT_EQ(Take(coded, 1000).result, Result::kMore) << coded;
    EXPECT_EQ(Take(coded, 1).result, Result::kMore) << coded;
  }
}

TEST(ChunkedBodyTest, WhatCanBeReadInTwoWaysIsMalformed) {
  const std::string long_line(ChunkedBody::kMaxLineBytes + 1, 'x');
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&trailers, "A: ", std::string(60, 'b'), "\r\n");
  }
  for (const std::string& coded :
       std::vector<std::string>{"\r\n",
                                "x\r\n",
                                "-1\r\n",
                                "+1\r\n",
                                "0x1\r\na\r\n",
                                " 1\r\na\r\n",
                                "1\na\r\n",
                                "1\r\nab\r\n",
                                "1\r\na0\r\n",
                                "1 1\r\na\r\n",
                                "1  \r\na\r\n",
                                "1\t\r\na\r\n",
                                "1\v;x\r\na\r\n",
                                "1\f;x\r\na\r\n",
                                "1\r;x\r\na\r\n",
                                "1a g\r\n",
                                "00000000000000001\r\n",
                                "1;" + long_line + "\r\n",
                                long_line,
                                trailers}) {
    EXPECT_EQ(Take(coded, 1000000).result, Result::kMalformed) << coded;
    EXPECT_EQ(Take(coded, 1).result, Result::kMalformed) << coded;
  }
}

TEST(ChunkedBodyTest, AChunkThatIsTooMuchIsRefusedBeforeItComes) {
  EXPECT_EQ(Take("4\r\nabcd\r\n0\r\n\r\n", 1000, 4).result, Result::kWhole);
  EXPECT_EQ(Take("5\r\n", 1000, 4).result, Result::kTooLong);
  EXPECT_EQ(Take("3\r\nabc\r\n2\r\n", 1000, 4).result, Result::kTooLong);
  EXPECT_EQ(Take("ffffffffffffffff\r\n", 1000, 4).result, Result::kTooLong);
  EXPECT_EQ(Take("1\r\na\r\nffffffffffffffff\r\n", 1000, 4).result,
            Result::kTooLong);
}

}  // namespace
}  // namespace taud::server
