#include "server/api/page_token.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using testing::ElementsAre;

constexpr size_t kItems = 4000000000;

TEST(PageTokenTest, ComesBackAsItWas) {
  v1::RecommendRequest request;
  request.set_user_id("u");
  request.set_k(10);
  const uint64_t fingerprint = RequestFingerprint(request);
  const std::string text =
      EncodePageToken({fingerprint, {0, 1, 7, 200, 70000, 3999999999}});
  request.set_page_token(text);
  request.set_k(5);
  EXPECT_EQ(RequestFingerprint(request), fingerprint)
      << "k and the token may differ";
  const auto token = DecodePageToken(text, fingerprint, kItems);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_THAT(token->given, ElementsAre(0, 1, 7, 200, 70000, 3999999999));
}

TEST(PageTokenTest, TheLongestOneKeepsWithinItsLimit) {
  std::vector<model::ItemIndex> given;
  for (uint32_t i = 0; i < kMaxPagedItems; ++i) {
    // As many gaps of four bytes as there is room for, and three for the rest.
    given.push_back(i < 2000 ? i * 2100000u : 4200000000u - kMaxPagedItems + i);
  }
  const std::string text = EncodePageToken({9, given});
  EXPECT_LE(text.size(), kMaxPageTokenBytes);
  const auto token = DecodePageToken(text, 9, 4200000000u);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->given, given);
  given.push_back(4200000001u);
  EXPECT_FALSE(
      DecodePageToken(EncodePageToken({9, given}), 9, 4200000002u).ok())
      << "one item too many";
}

TEST(PageTokenTest, IsGoodForItsOwnRequestOnly) {
  v1::RecommendRequest request;
  request.set_user_id("u");
  const std::string text =
      EncodePageToken({RequestFingerprint(request), {7, 20}});
  request.set_user_id("v");
  EXPECT_EQ(DecodePageToken(text, RequestFingerprint(request), kItems)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PageTokenTest, NonsenseIsRefused) {
  for (const char* text :
       {"", "x", "1.2", "7.14.cbf29ce484222325", "AgAAAAAAAAAA",
        "====", "\xff\xfe", "AgMAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(DecodePageToken(text, 3, kItems).ok()) << text;
  }
  EXPECT_FALSE(DecodePageToken(std::string(1 << 20, 'A'), 3, kItems).ok());
}

TEST(PageTokenTest, OneThatWasChangedIsRefused) {
  const std::string good = EncodePageToken({3, {5, 900, 70000}});
  ASSERT_TRUE(DecodePageToken(good, 3, kItems).ok());
  EXPECT_FALSE(DecodePageToken(good, 3, 70000).ok()) << "no such item here";
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(DecodePageToken(bad, 3, kItems).ok()) << i;
    EXPECT_FALSE(DecodePageToken(good.substr(0, i), 3, kItems).ok()) << i;
  }
}

}  // namespace
}  // namespace taud::server
