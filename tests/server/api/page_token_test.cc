#include "server/api/page_token.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

TEST(PageTokenTest, ComesBackAsItWas) {
  v1::RecommendRequest request;
  request.set_user_id("u");
  request.set_k(10);
  const uint64_t fingerprint = RequestFingerprint(request);
  const std::string text = EncodePageToken({7, 20, fingerprint});
  request.set_page_token(text);
  request.set_k(5);
  EXPECT_EQ(RequestFingerprint(request), fingerprint)
      << "k and the token may differ";
  const auto token = DecodePageToken(text, fingerprint);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->version, 7u);
  EXPECT_EQ(token->offset, 20u);
}

TEST(PageTokenTest, IsGoodForItsOwnRequestOnly) {
  v1::RecommendRequest request;
  request.set_user_id("u");
  const std::string text =
      EncodePageToken({7, 20, RequestFingerprint(request)});
  request.set_user_id("v");
  EXPECT_EQ(DecodePageToken(text, RequestFingerprint(request)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PageTokenTest, NonsenseIsRefused) {
  for (const char* text : {"", "x", "1.2", "0.1.1", "1.2.3x", "1.2.3.4",
                           "1.ffffffffff.3", "99999999999999999999.1.1"}) {
    EXPECT_FALSE(DecodePageToken(text, 3).ok()) << text;
  }
}

}  // namespace
}  // namespace taud::server
