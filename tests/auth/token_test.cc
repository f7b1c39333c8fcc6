#include "auth/token.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace taud::auth {
namespace {

TEST(TokenTest, ATokenMatchesItsHashAndNoOther) {
  const auto token = MakeToken();
  const auto other = MakeToken();
  ASSERT_TRUE(token.ok() && other.ok());
  EXPECT_TRUE(IsTokenHash(token->hash));
  EXPECT_TRUE(MatchesHash(token->text, token->hash));
  EXPECT_FALSE(MatchesHash(token->text, other->hash));
  EXPECT_FALSE(MatchesHash(other->text, token->hash));
  EXPECT_FALSE(MatchesHash(token->text.substr(1), token->hash));
  EXPECT_FALSE(MatchesHash("", token->hash));
  std::string near = token->text;
  near.back() = near.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(MatchesHash(near, token->hash));
}

TEST(TokenTest, TheHashHasNothingOfTheSecret) {
  const auto token = MakeToken();
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(TokenId(token->text), token->id);
  const std::string secret = token->text.substr(token->text.size() - 43);
  EXPECT_FALSE(absl::StrContains(token->hash, secret));
}

// A known answer: SHA-256 of "SALT:TOKEN", so that another release reads the
// same file.
TEST(TokenTest, TheHashIsSaltedSha256) {
  const std::string salt(32, '0');
  const std::string text = "taud_0123456789ab_" + std::string(43, 'x');
  EXPECT_TRUE(
      MatchesHash(text, "sha256:" + salt + ":" + Sha256Hex(salt + ":" + text)));
  EXPECT_EQ(Sha256Hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenTest, EachIsAnother) {
  std::set<std::string> texts;
  std::set<std::string> hashes;
  for (int i = 0; i < 100; ++i) {
    const auto token = MakeToken();
    ASSERT_TRUE(token.ok());
    texts.insert(token->text);
    hashes.insert(token->hash.substr(0, 39));  // with the salt
  }
  EXPECT_EQ(texts.size(), 100u);
  EXPECT_EQ(hashes.size(), 100u);
}

TEST(TokenTest, WhatIsNoTokenHasNoId) {
  for (const char* text :
       {"", "taud_", "taud_0123456789ab", "taud_0123456789ab_short",
        "taud_0123456789AB_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "taud_0123456789abxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "toad_0123456789ab_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}) {
    EXPECT_FALSE(TokenId(text).has_value()) << text;
  }
}

TEST(TokenTest, WhatIsNoHashMatchesNothing) {
  for (const char* hash : {"", "sha256:", "sha256::", "sha256:00:00",
                           "md5:00000000000000000000000000000000:00"}) {
    EXPECT_FALSE(IsTokenHash(hash)) << hash;
    EXPECT_FALSE(MatchesHash("", hash)) << hash;
  }
}

}  // namespace
}  // namespace taud::auth
