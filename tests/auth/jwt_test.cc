#include "auth/jwt.h"

#include <rhonabwy.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace taud::auth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

std::string Base64(absl::string_view text) {
  std::string encoded;
  absl::WebSafeBase64Escape(text, &encoded);
  return encoded;
}

std::string Taken(char* text) {
  std::string taken(text == nullptr ? "" : text);
  r_free(text);
  return taken;
}

// A key of whoever signs.
struct Signer {
  std::string kid;
  jwa_alg algorithm;
  std::string jwk;           // what signs
  std::string checking_jwk;  // what the daemon has

  std::string Sign(const json& claims, const json& header = {}) const {
    jwk_t* key = nullptr;
    jwt_t* jwt = nullptr;
    r_jwk_init(&key);
    r_jwt_init(&jwt);
    r_jwk_import_from_json_str(key, jwk.c_str());
    r_jwt_set_sign_alg(jwt, algorithm);
    r_jwt_set_full_claims_json_str(jwt, claims.dump().c_str());
    if (!kid.empty()) r_jwt_set_header_str_value(jwt, "kid", kid.c_str());
    for (const auto& [name, value] : header.items()) {
      r_jwt_set_header_str_value(jwt, name.c_str(),
                                 value.get<std::string>().c_str());
    }
    std::string token = Taken(r_jwt_serialize_signed(jwt, key, 0));
    r_jwt_free(jwt);
    r_jwk_free(key);
    EXPECT_FALSE(token.empty());
    return token;
  }
};

// The library writes a coordinate without its leading zero bytes, one key in a
// hundred, where RFC 7518 wants all 32, which are 43 characters.
bool HasWholeCoordinates(const std::string& jwk) {
  const json key = json::parse(jwk);
  for (const char* coordinate : {"x", "y"}) {
    if (key.value(coordinate, std::string(43, '.')).size() != 43) return false;
  }
  return true;
}

Signer MakeSigner(jwa_alg algorithm, const std::string& kid) {
  Signer signer{kid, algorithm, "", ""};
  if (algorithm == R_JWA_ALG_HS256) {
    json key = {{"kty", "oct"}, {"k", Base64(std::string(32, 'k') + kid)}};
    if (!kid.empty()) key["kid"] = kid;
    signer.jwk = signer.checking_jwk = key.dump();
    return signer;
  }
  const int type = algorithm == R_JWA_ALG_RS256   ? R_KEY_TYPE_RSA
                   : algorithm == R_JWA_ALG_ES256 ? R_KEY_TYPE_EC
                                                  : R_KEY_TYPE_EDDSA;
  const unsigned bits = algorithm == R_JWA_ALG_RS256 ? 2048 : 256;
  do {
    jwk_t* own = nullptr;
    jwk_t* open = nullptr;
    r_jwk_init(&own);
    r_jwk_init(&open);
    EXPECT_EQ(r_jwk_generate_key_pair(own, open, type, bits,
                                      kid.empty() ? nullptr : kid.c_str()),
              RHN_OK);
    signer.jwk = Taken(r_jwk_export_to_json_str(own, 0));
    signer.checking_jwk = Taken(r_jwk_export_to_json_str(open, 0));
    r_jwk_free(own);
    r_jwk_free(open);
  } while (!HasWholeCoordinates(signer.checking_jwk));
  return signer;
}

json Claims() {
  return {{"iss", "https://id.example"},
          {"aud", "taud"},
          {"sub", "shop"},
          {"exp", 1800000600},
          {"roles", {"recommend", "observe", "somebody-elses"}}};
}

std::string SetOf(const std::vector<Signer>& signers) {
  json set = {{"keys", json::array()}};
  for (const Signer& signer : signers) {
    set["keys"].push_back(json::parse(signer.checking_jwk));
  }
  return set.dump();
}

std::unique_ptr<JwtVerifier> Verifier(const std::vector<Signer>& signers) {
  JwtRules rules;
  rules.issuer = "https://id.example";
  rules.audience = "taud";
  auto verifier = JwtVerifier::Create(SetOf(signers), rules);
  EXPECT_TRUE(verifier.ok()) << verifier.status();
  return *std::move(verifier);
}

class JwtTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    r_global_init();
    for (const auto& [algorithm, kid] :
         {std::pair(R_JWA_ALG_HS256, "h"), std::pair(R_JWA_ALG_RS256, "r"),
          std::pair(R_JWA_ALG_ES256, "e"), std::pair(R_JWA_ALG_EDDSA, "d")}) {
      signers_.push_back(MakeSigner(algorithm, kid));
    }
  }
  static const Signer& Of(jwa_alg algorithm) {
    for (const Signer& signer : signers_) {
      if (signer.algorithm == algorithm) return signer;
    }
    return signers_[0];
  }
  void ExpectRefused(const std::string& token, const std::string& why = "") {
    const auto caller = verifier_->Verify(token, kNow);
    EXPECT_TRUE(absl::IsUnauthenticated(caller.status())) << token;
    EXPECT_THAT(std::string(caller.status().message()), HasSubstr(why));
  }

  static std::vector<Signer> signers_;
  std::unique_ptr<JwtVerifier> verifier_ = Verifier(signers_);
};

std::vector<Signer> JwtTest::signers_;

TEST_F(JwtTest, TakesEveryAlgorithm) {
  for (const Signer& signer : signers_) {
    const auto caller = verifier_->Verify(signer.Sign(Claims()), kNow);
    ASSERT_TRUE(caller.ok()) << signer.kid << caller.status();
    EXPECT_EQ(caller->subject, "shop");
    EXPECT_TRUE(caller->roles.Has(Role::kRecommend));
    EXPECT_TRUE(caller->roles.Has(Role::kObserve));
    EXPECT_FALSE(caller->roles.Has(Role::kErase));
    EXPECT_EQ(caller->expires, kNow + absl::Seconds(630));
  }
}

// RFC 8037, A.4: signed by another implementation than this test's.
TEST_F(JwtTest, FindsTheSignatureOfTheRfcGood) {
  const char* set =
      R"({"keys": [{"kty": "OKP", "crv": "Ed25519",
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
  const auto verifier = JwtVerifier::Create(set, JwtRules());
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7"
      "sVvpAr_MuM0KAg";
  // Good, and its payload is a sentence.
  EXPECT_THAT(std::string((*verifier)->Verify(token, kNow).status().message()),
              HasSubstr("has no claims"));
}

TEST_F(JwtTest, AChangedTokenIsRefused) {
  for (const Signer& signer : signers_) {
    const std::string token = signer.Sign(Claims());
    const std::vector<std::string> parts = absl::StrSplit(token, '.');
    json claims = Claims();
    claims["roles"] = {"erase"};
    ExpectRefused(
        absl::StrCat(parts[0], ".", Base64(claims.dump()), ".", parts[2]),
        "wrong signature");
    ExpectRefused(absl::StrCat(parts[0], ".", parts[1], "."));
    ExpectRefused(absl::StrCat(parts[0], ".", parts[1]), "three parts");
    ExpectRefused(token + "=");
    ExpectRefused(token + ".");
    ExpectRefused(" " + token);
    std::string near = token;
    near[near.size() / 2] = near[near.size() / 2] == 'A' ? 'B' : 'A';
    ExpectRefused(near);
  }
}

TEST_F(JwtTest, TheKeySaysHowItIsChecked) {
  const std::string payload = Base64(Claims().dump());
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"None","kid":"r"})", R"({"kid":"r"})",
        R"({"alg":"HS256","kid":"r"})", R"({"alg":"ES256","kid":"r"})",
        R"({"alg":"HS384","kid":"h"})", R"({"alg":["HS256"],"kid":"h"})"}) {
    for (const char* signature : {"", "AAAA"}) {
      ExpectRefused(absl::StrCat(Base64(header), ".", payload, ".", signature),
                    "not signed by a key");
    }
  }
  // The public key of RS256 taken for a secret.
  Signer confused = MakeSigner(R_JWA_ALG_HS256, "r");
  jwk_t* open = nullptr;
  r_jwk_init(&open);
  r_jwk_import_from_json_str(open, Of(R_JWA_ALG_RS256).checking_jwk.c_str());
  unsigned char pem[8192];
  size_t size = sizeof(pem);
  ASSERT_EQ(r_jwk_export_to_pem_der(open, R_FORMAT_PEM, pem, &size, 0), RHN_OK);
  r_jwk_free(open);
  confused.jwk =
      json{{"kty", "oct"},
           {"k", Base64(std::string(reinterpret_cast<char*>(pem), size))}}
          .dump();
  ExpectRefused(confused.Sign(Claims()), "not signed by a key");
}

TEST_F(JwtTest, AKeyThatIsNotOursIsNotLookedFor) {
  const Signer stranger = MakeSigner(R_JWA_ALG_RS256, "r");
  ExpectRefused(stranger.Sign(Claims()), "wrong signature");
  // Brought along, or pointed to.
  const std::vector<std::string> parts =
      absl::StrSplit(stranger.Sign(Claims()), '.');
  for (const json& header :
       {json{{"alg", "RS256"}, {"jwk", json::parse(stranger.checking_jwk)}},
        json{{"alg", "RS256"}, {"kid", "r"}, {"jku", "http://127.0.0.1:1/"}},
        json{{"alg", "RS256"}, {"kid", "r"}, {"x5u", "file:///etc/passwd"}}}) {
    ExpectRefused(
        absl::StrCat(Base64(header.dump()), ".", parts[1], ".", parts[2]),
        "wrong signature");
  }
  for (const char* kid : {"x", "../../etc/passwd", "' OR 1=1 --", "h\n"}) {
    Signer named = Of(R_JWA_ALG_HS256);
    named.kid = kid;
    ExpectRefused(named.Sign(Claims()), "not signed by a key");
  }
}

TEST_F(JwtTest, WithoutAKidOnlyTheOnlyKeyOfItsKind) {
  Signer nameless = Of(R_JWA_ALG_ES256);
  nameless.kid = "";
  // The library would name it.
  json own = json::parse(nameless.jwk);
  own.erase("kid");
  nameless.jwk = own.dump();
  EXPECT_TRUE(verifier_->Verify(nameless.Sign(Claims()), kNow).ok());
  const auto two =
      Verifier({Of(R_JWA_ALG_ES256), MakeSigner(R_JWA_ALG_ES256, "another")});
  EXPECT_FALSE(two->Verify(nameless.Sign(Claims()), kNow).ok());
  EXPECT_TRUE(two->Verify(Of(R_JWA_ALG_ES256).Sign(Claims()), kNow).ok());
}

TEST_F(JwtTest, ClaimsAreChecked) {
  const struct {
    const char* change;
    const char* why;  // null: good
  } cases[] = {
      {R"({"iss": "https://other.example"})", "another issuer"},
      {R"({"iss": null})", "another issuer"},
      {R"({"aud": "other"})", "another audience"},
      {R"({"aud": ["other", "taud"]})", nullptr},
      {R"({"aud": ["other"]})", "another audience"},
      {R"({"aud": null})", "another audience"},
      {R"({"exp": null})", "does not expire"},
      {R"({"exp": "1800000600"})", "does not expire"},
      {R"({"exp": 1e300})", "does not expire"},
      {R"({"exp": 1799999971})", nullptr},  // within the leeway
      {R"({"exp": 1799999970})", "has expired"},
      {R"({"nbf": 1800000030})", nullptr},
      {R"({"nbf": 1800000031})", "not valid yet"},
      {R"({"nbf": "now"})", "not valid yet"},
      {R"({"iat": 1800009999})", "not valid yet"},
      {R"({"sub": null})", "no subject"},
      {R"({"sub": "two words"})", "no subject"},
      {R"({"roles": "ingest observe"})", nullptr},
      {R"({"roles": 7})", nullptr},  // none
  };
  for (const auto& one : cases) {
    json claims = Claims();
    claims.merge_patch(json::parse(one.change));
    const std::string token = Of(R_JWA_ALG_HS256).Sign(claims);
    const auto caller = verifier_->Verify(token, kNow);
    EXPECT_EQ(caller.ok(), one.why == nullptr) << one.change << caller.status();
    if (one.why != nullptr) ExpectRefused(token, one.why);
  }
}

TEST_F(JwtTest, WhatIsRememberedExpires) {
  const std::string token = Of(R_JWA_ALG_RS256).Sign(Claims());
  EXPECT_TRUE(verifier_->Verify(token, kNow).ok());
  EXPECT_TRUE(verifier_->Verify(token, kNow + absl::Seconds(629)).ok());
  EXPECT_FALSE(verifier_->Verify(token, kNow + absl::Seconds(630)).ok());
}

TEST_F(JwtTest, LongOnesAndExtensionsAreRefused) {
  json claims = Claims();
  claims["filling"] = std::string(10000, 'x');
  ExpectRefused(Of(R_JWA_ALG_HS256).Sign(claims), "too long");
  ExpectRefused(std::string(8192, '.'), "three parts");
  ExpectRefused(std::string(8190, '[') + "..", "malformed");
  ExpectRefused(absl::StrCat(Base64(std::string(6000, '[')), ".e30.AAAA"),
                "malformed");
  ExpectRefused(Of(R_JWA_ALG_HS256).Sign(Claims(), {{"crit", "exp"}}),
                "extension");
}

TEST(JwkSetTest, FaultsNameTheKey) {
  const struct {
    const char* set;
    const char* what;
  } bad[] = {
      {"", "no JWK Set"},
      {"[]", "no JWK Set"},
      {R"({"keys": {}})", "no JWK Set"},
      {R"({"keys": []})", "has no key for"},
      {R"({"keys": [{"kty": "EC", "crv": "P-521"}]})", "has no key for"},
      {R"({"keys": [7]})", "keys[0] is no object"},
      {R"({"keys": [{"kty": "oct", "k": "c2hvcnQ"}]})", "keys[0] k: a secret"},
      {R"({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})", "keys[0] "},
      {R"({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]})",
       "keys[0] "},
  };
  for (const auto& one : bad) {
    const auto verifier = JwtVerifier::Create(one.set, JwtRules());
    EXPECT_TRUE(absl::IsInvalidArgument(verifier.status())) << one.set;
    EXPECT_THAT(std::string(verifier.status().message()), HasSubstr(one.what));
  }
}

}  // namespace
}  // namespace taud::auth
