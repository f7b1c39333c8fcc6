#include "server/lifecycle/config_loader.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::Not;

TEST(ConfigLoaderTest, AnEmptyFileIsTheDefaults) {
  for (const char* yaml : {"", "\n", "# nothing\n", "server:\n"}) {
    auto config = ParseConfig(yaml, "f.yaml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(MessageDifferencer::Equals(*config, DefaultConfig())) << yaml;
  }
}

// A library would listen on port 443 where none is given.
TEST(ConfigLoaderTest, AnAddressHasAPort) {
  const struct {
    const char* address;
    bool good;
  } cases[] = {
      {"127.0.0.1:50051", true},
      {"localhost:0", true},
      {"[::1]:50051", true},
      {"127.0.0.1:65535", true},
      {"127.0.0.1", false},
      {"127.0.0.1:", false},
      {"127.0.0.1:65536", false},
      {"127.0.0.1:http", false},
      {":50051", false},
      {"::1", false},
      {"::1:50051", false},
      {"[]:1", false},
      {"[::1]", false},
      {"127.0.0.1:-1", false},
      {"127.0.0.1:+1", false},
      {"127.0.0.1:000001", false},
      {"", false},
      {"x: 1", false},
  };
  for (const auto& c : cases) {
    config::v1::Config config = DefaultConfig();
    config.mutable_server()->set_grpc_address(c.address);
    EXPECT_EQ(CheckAddresses(config).ok(), c.good) << c.address;
    config = DefaultConfig();
    config.mutable_server()->set_http_address(c.address);
    const absl::Status status = CheckAddresses(config);
    EXPECT_EQ(status.ok(), c.good) << c.address;
    if (c.good) continue;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("server.http_address: "));
  }
}

TEST(ConfigLoaderTest, TheOpenNeedsTlsAndCredentials) {
  config::v1::Config config = DefaultConfig();
  config.mutable_server()->set_grpc_address("0.0.0.0:1");
  config.mutable_auth()->set_tokens_file("/etc/taud/tokens");
  EXPECT_FALSE(CheckAddresses(config).ok());
  config.mutable_tls()->set_certificate_file("/etc/taud/tls.crt");
  config.mutable_tls()->set_key_file("/etc/taud/tls.key");
  EXPECT_TRUE(CheckAddresses(config).ok());
  config.mutable_auth()->clear_tokens_file();
  EXPECT_FALSE(CheckAddresses(config).ok());
}

TEST(ConfigLoaderTest, JwtsAreForUsAlone) {
  const char* const bad[] = {"auth: {jwks_file: f}",
                             "auth: {jwks_file: f, jwt_issuer: i}",
                             "auth: {jwks_file: f, jwt_audience: a}"};
  for (const char* yaml : bad) {
    const auto config = ParseConfig(yaml, "f.yaml");
    ASSERT_TRUE(config.ok()) << yaml;
    EXPECT_THAT(std::string(CheckAddresses(*config).message()),
                HasSubstr("needs auth.jwt_issuer and auth.jwt_audience"));
  }
  const auto good = ParseConfig(
      "auth: {jwks_file: f, jwt_issuer: i, jwt_audience: a}", "f.yaml");
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(CheckAddresses(*good).ok());
}

TEST(ConfigLoaderTest, WhatTlsNeedsGoesTogether) {
  const struct {
    const char* yaml;
    const char* what;  // null: good
  } cases[] = {
      {"tls: {}", nullptr},
      {"tls: {certificate_file: c, key_file: k}", nullptr},
      {"tls: {certificate_file: c, key_file: k, client_ca_file: a, "
       "require_client_certificate: true}",
       nullptr},
      {"tls: {certificate_file: c}", "tls.key_file"},
      {"tls: {key_file: k}", "tls.certificate_file"},
      {"tls: {client_ca_file: a}", "tls.client_ca_file: "},
      {"tls: {certificate_file: c, key_file: k, "
       "require_client_certificate: true}",
       "needs tls.client_ca_file"},
      {"tls: {certificate_file: c, key_file: k, client_crl_file: l}",
       "tls.client_crl_file: needs tls.client_ca_file"},
      {"tls: {certificate_file: c, key_file: k, client_ca_file: a, "
       "client_crl_file: l}",
       "tls.client_crl_file: needs auth.tokens_file"},
      {"tls: {certificate_file: c, key_file: k, client_ca_file: a, "
       "client_crl_file: l}\nauth: {tokens_file: t}",
       nullptr},
  };
  for (const auto& c : cases) {
    const auto config = ParseConfig(c.yaml, "f.yaml");
    ASSERT_TRUE(config.ok()) << c.yaml;
    const absl::Status status = CheckAddresses(*config);
    EXPECT_EQ(status.ok(), c.what == nullptr) << c.yaml << status;
    if (c.what != nullptr) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.what));
    }
  }
}

TEST(ConfigLoaderTest, AKeyOfTheAuditLogNeedsOne) {
  auto config = ParseConfig("audit: {id_key_file: k}", "f");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(std::string(CheckAddresses(*config).message()),
              HasSubstr("audit.id_key_file"));
  config->mutable_audit()->set_file("a.log");
  EXPECT_TRUE(CheckAddresses(*config).ok());
}

TEST(ConfigLoaderTest, LimitsOfCallersNeedCallers) {
  for (const char* limit : {"requests_per_second", "interactions_per_second",
                            "bytes_per_second", "streams", "max_weight"}) {
    const std::string line = std::string(limit) + ": 1";
    auto config = ParseConfig("auth: {" + line + "}", "f");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_THAT(std::string(CheckAddresses(*config).message()),
                HasSubstr(std::string("auth.") + limit));
    config->mutable_auth()->set_tokens_file("t");
    EXPECT_TRUE(CheckAddresses(*config).ok());
  }
}

TEST(ConfigLoaderTest, OnlyLoopbackUnlessInsecure) {
  const struct {
    const char* address;
    bool loopback;
  } cases[] = {
      {"127.0.0.1:1", true},
      {"127.8.9.1:1", true},
      {"[::1]:1", true},
      {"localhost:1", true},
      {"0.0.0.0:1", false},
      {"[::]:1", false},
      {"10.0.0.1:1", false},
      {"128.0.0.1:1", false},
      {"127.0.0.1.example:1", false},
      {"127.1:1", false},
      {"localhost.example:1", false},
      {"[::ffff:127.0.0.1]:1", false},
      {"[fe80::1]:1", false},
      {"*:1", false},
  };
  for (const auto& c : cases) {
    config::v1::Config grpc = DefaultConfig();
    grpc.mutable_server()->set_grpc_address(c.address);
    config::v1::Config http = DefaultConfig();
    http.mutable_server()->set_http_address(c.address);
    for (config::v1::Config* config : {&grpc, &http}) {
      const absl::Status status = CheckAddresses(*config);
      EXPECT_EQ(status.ok(), c.loopback) << c.address;
      if (!c.loopback) {
        EXPECT_THAT(std::string(status.message()),
                    HasSubstr("set server.insecure to true"));
      }
      config->mutable_server()->set_insecure(true);
      EXPECT_TRUE(CheckAddresses(*config).ok()) << c.address;
    }
  }
  config::v1::Config config = DefaultConfig();
  config.mutable_server()->set_grpc_address("unix:/run/taud/socket");
  EXPECT_TRUE(CheckAddresses(config).ok());
}

TEST(ConfigLoaderTest, ABooleanIsTrueOrFalse) {
  EXPECT_FALSE(DefaultConfig().server().insecure());
  auto config = ParseConfig("server: {insecure: true}", "f.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->server().insecure());
  for (const char* value : {"yes", "1", "True", "on", ""}) {
    config::v1::Config set = DefaultConfig();
    const absl::Status status =
        OverrideConfig(std::string("server.insecure=") + value, &set);
    EXPECT_THAT(std::string(status.message()), HasSubstr("true or false"))
        << value;
    EXPECT_FALSE(set.server().insecure()) << value;
  }
}

// A default outside its own range would be silently dropped: every number
// would then be 0 and every text empty.
TEST(ConfigLoaderTest, EveryDefaultPassesItsOwnRule) {
  auto config = ParseConfig(PrintConfig(DefaultConfig()), "f.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(MessageDifferencer::Equals(*config, DefaultConfig()));
  EXPECT_EQ(config->server().grpc_address(), "127.0.0.1:50051");
  EXPECT_EQ(config->trainer().dim(), 64);
  EXPECT_EQ(config->trainer().learning_rate(), 0);
}

TEST(ConfigLoaderTest, TheShippedFileIsWhatPrintConfigPrints) {
  std::ifstream file(TAUD_SOURCE_DIR "/configs/taud.yaml");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), PrintConfig(DefaultConfig()))
      << "regenerate it: taud --print-config > configs/taud.yaml";
}

TEST(ConfigLoaderTest, ReadsWhatIsSet) {
  auto config = ParseConfig(
      "server:\n  grpc_address: 0.0.0.0:1\ntrainer:\n  learning_rate: 1e-2\n"
      "log: {level: debug}\n",
      "f.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server().grpc_address(), "0.0.0.0:1");
  EXPECT_EQ(config->trainer().learning_rate(), 0.01);
  EXPECT_EQ(config->log().level(), "debug");
}

std::optional<std::string> Variables(const std::string& name) {
  if (name == "DIR") return "/srv";
  if (name == "EMPTY") return "";
  if (name == "LONG") return std::string(5000, 'x');
  return std::nullopt;
}

TEST(ConfigLoaderTest, VariablesStandForTheirValues) {
  const struct {
    const char* text;
    const char* value;
  } cases[] = {
      {"${DIR}", "/srv"},    {"${DIR}/data", "/srv/data"},
      {"a${EMPTY}b", "ab"},  {"${DIR}${DIR}", "/srv/srv"},
      {"$${DIR}", "${DIR}"}, {"$DIR", "$DIR"},
      {"$$", "$$"},          {"{DIR}", "{DIR}"},
  };
  for (const auto& c : cases) {
    const auto config = ParseConfig(
        absl::StrCat("store: {data_dir: '", c.text, "'}"), "f", Variables);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->store().data_dir(), c.value) << c.text;
  }
}

TEST(ConfigLoaderTest, AVariableThatIsNotSetIsNamed) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"${MISSING}", "f:1: store.data_dir: the variable MISSING is not set"},
      {"${DIR", "is not followed by the name"},
      {"${}", "is not followed by the name"},
      {"${1A}", "is not followed by the name"},
      {"${A-B}", "is not followed by the name"},
      {"${LONG}", "f:1: store.data_dir: ${LONG} is not allowed"},
  };
  for (const auto& c : cases) {
    const auto config = ParseConfig(
        absl::StrCat("store: {data_dir: '", c.text, "'}"), "f", Variables);
    ASSERT_FALSE(config.ok()) << c.text;
    const std::string message(config.status().message());
    EXPECT_THAT(message, HasSubstr(c.says)) << c.text;
    // No value of a variable is told.
    EXPECT_THAT(message, Not(HasSubstr("xxxx")));
  }
}

TEST(ConfigLoaderTest, PrintedIsTheVariableAndNotItsValue) {
  const auto config =
      ParseConfig("store: {data_dir: '${DIR}/data'}\nlog: {level: '${LEVEL}'}",
                  "f", nullptr);
  ASSERT_TRUE(config.ok()) << config.status();
  const std::string printed = PrintConfig(*config);
  EXPECT_THAT(printed, HasSubstr("data_dir: \"${DIR}/data\""));
  EXPECT_THAT(printed, HasSubstr("level: \"${LEVEL}\""));
}

struct BadCase {
  const char* name;
  const char* yaml;
  const char* message;
};

class BadConfigTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfigTest, NamesFileLineKeyAndRemedy) {
  auto config = ParseConfig(GetParam().yaml, "f.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfigTest,
    testing::Values(
        BadCase{
            "UnknownSection", "\nsevring:\n  threads: 1\n",
            "f.yaml:2: sevring: unknown key; allowed here: server, serving"},
        BadCase{"UnknownKey", "serving:\n  thread: 1\n",
                "f.yaml:2: serving.thread: unknown key; allowed here: threads"},
        BadCase{"TooSmall", "serving:\n  threads: 0\n",
                "f.yaml:2: serving.threads: 0 is not allowed; allowed: a whole "
                "number from 1 to 64"},
        BadCase{"TooLarge", "serving:\n  threads: 99999999999\n",
                "serving.threads: 99999999999 is not allowed"},
        BadCase{"NotANumber", "serving:\n  threads: many\n",
                "serving.threads: many is not allowed"},
        BadCase{"NotWhole", "serving:\n  threads: 1.5\n",
                "serving.threads: 1.5 is not allowed"},
        BadCase{"NotFinite", "trainer:\n  learning_rate: nan\n",
                "trainer.learning_rate: nan is not allowed"},
        BadCase{"NotOneOf", "log:\n  level: loud\n",
                "one of debug, info, warning, error"},
        BadCase{"EmptyText", "store:\n  data_dir: \"\"\n",
                "f.yaml:2: store.data_dir:  is not allowed"},
        BadCase{"ListForValue", "serving:\n  threads: [1]\n",
                "f.yaml:2: serving.threads: not a single value"},
        BadCase{"ValueForSection", "serving: 3\n",
                "f.yaml:1: serving is not a mapping"},
        BadCase{"ListForFile", "- 1\n", "f.yaml:1: the file is not a mapping"},
        BadCase{"Twice", "log:\n  level: info\n  level: debug\n",
                "f.yaml:3: log.level: given twice"},
        BadCase{"NotYaml", "log: [\n", "f.yaml:2: not YAML"}),
    [](const auto& c) { return c.param.name; });

TEST(ConfigLoaderTest, ANumberMayStandWhereTheRuleSaysN) {
  for (const char* device : {"cuda", "cuda:0", "cuda:7", "cuda:63"}) {
    auto config = ParseConfig(
        absl::StrCat("trainer:\n  device: \"", device, "\"\n"), "f.yaml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->trainer().device(), device);
  }
  for (const char* device : {"cuda:", "cuda:64", "cuda:N", "cuda:-1", "cuda:+1",
                             "cuda:1x", "cpu:0"}) {
    auto config = ParseConfig(
        absl::StrCat("trainer:\n  device: \"", device, "\"\n"), "f.yaml");
    EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << device;
    EXPECT_THAT(config.status().message(),
                testing::HasSubstr("auto, cpu, cuda, cuda:N"));
  }
}

TEST(ConfigLoaderTest, AllFaultsAtOnce) {
  auto config = ParseConfig("a: 1\nlog:\n  level: x\nb: 2\n", "f.yaml");
  ASSERT_FALSE(config.ok());
  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr("f.yaml:1:"));
  EXPECT_THAT(message, HasSubstr("f.yaml:3:"));
  EXPECT_THAT(message, HasSubstr("f.yaml:4:"));
}

TEST(ConfigLoaderTest, TextsAreUtf8) {
  const auto config =
      ParseConfig("audit:\n  file: \"/var/log/\x84\"\n", "f.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(std::string(config.status().message()),
              HasSubstr("f.yaml:2: audit.file: is not UTF-8"));
  config::v1::Config own = DefaultConfig();
  EXPECT_FALSE(OverrideConfig("audit.file=/var/log/\x84", &own).ok());
}

TEST(ConfigLoaderTest, Overrides) {
  config::v1::Config config = DefaultConfig();
  EXPECT_TRUE(OverrideConfig("trainer.threads=2", &config).ok());
  EXPECT_EQ(config.trainer().threads(), 2);
  EXPECT_TRUE(OverrideConfig("store.data_dir=/a=b", &config).ok());
  EXPECT_EQ(config.store().data_dir(), "/a=b");
  for (const char* bad :
       {"trainer.threads", "threads=1", "trainer.thread=1", "a.b=1",
        "trainer.threads=x", "trainer.threads=-1", ""}) {
    EXPECT_EQ(OverrideConfig(bad, &config).code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(ConfigLoaderTest, AMissingFileIsNamed) {
  auto config = LoadConfig("/nonexistent/taud.yaml");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(config.status().message()),
              HasSubstr("/nonexistent/taud.yaml"));
}

}  // namespace
}  // namespace taud::server
