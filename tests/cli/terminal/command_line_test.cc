#include "cli/terminal/command_line.h"

#include <sstream>

#include "cli/terminal/confirm.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Commands of the same shapes as tauctl's.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() : app_("", "tauctl") {
    app_.add_flag("--json", json_);
    app_.fallthrough();
    app_.require_subcommand(1);
    CLI::App* recommend = app_.add_subcommand("recommend");
    recommend->add_option("user", user_);
    recommend->add_option("--context", context_);
    recommend->add_option("--exclude", exclude_);
    recommend->add_option("-k", k_);
    recommend->add_option("--rate", rates_)->delimiter(',');
    CLI::App* erase = app_.add_subcommand("erase");
    erase->require_subcommand(1);
    CLI::App* items = erase->add_subcommand("items");
    items->add_option("ids", ids_)->required();
    erase->add_subcommand("user")->add_option("id", user_)->required();
    CLI::App* ingest = app_.add_subcommand("ingest");
    ingest->add_option("file", user_)->required();
    ingest->add_option("--max-bad", max_bad_);
    ingest->add_option("--offset", offset_);
  }

  // What is said of an error; "" if there is none.
  std::string Parse(const std::vector<std::string>& words) {
    try {
      ParseWords(words, &app_);
      return "";
    } catch (const CLI::ParseError& error) {
      EXPECT_NE(error.get_exit_code(), 0);
      return ParseErrorText(app_, error);
    }
  }

  CLI::App app_;
  bool json_ = false;
  std::string user_;
  std::vector<std::string> context_, exclude_, ids_;
  std::vector<double> rates_;
  int k_ = 10;
  uint64_t max_bad_ = 0;
  int64_t offset_ = 0;
};

TEST_F(CommandLineTest, IdsArriveAsTheyWereTyped) {
  const std::vector<std::string> ids = {
      "[a,b]", "[]", "[a", "a,b",     "{}",  "{a,b}", "\"q\"",     "'q'",
      "a b",   "",   "%%", "\x02[x]", "a=b", "ü",     "recommend", "[[a],[b]]"};
  std::vector<std::string> words = {"erase", "items"};
  words.insert(words.end(), ids.begin(), ids.end());
  EXPECT_EQ(Parse(words), "");
  EXPECT_EQ(ids_, ids);
}

TEST_F(CommandLineTest, OneIdWithBracketsIsOne) {
  for (const char* id : {"[a,b]", "[a]", "{}", "[]"}) {
    app_.clear();
    EXPECT_EQ(Parse({"erase", "items", id}), "");
    EXPECT_THAT(ids_, ElementsAre(id));
  }
}

TEST_F(CommandLineTest, AnOptionTakesOneWord) {
  EXPECT_EQ(Parse({"recommend", "--context", "i1", "u0", "--json",
                   "--context=[a,b]", "--context", "[c,d]", "--context=",
                   "--exclude", "-5", "-k", "3", "--rate", "1,2"}),
            "");
  EXPECT_EQ(user_, "u0");
  EXPECT_THAT(context_, ElementsAre("i1", "[a,b]", "[c,d]", ""));
  EXPECT_THAT(exclude_, ElementsAre("-5"));
  EXPECT_THAT(rates_, ElementsAre(1, 2));
  EXPECT_EQ(k_, 3);
  EXPECT_TRUE(json_);
}

TEST_F(CommandLineTest, MinusOneIsNoGreatNumber) {
  EXPECT_THAT(Parse({"ingest", "f", "--max-bad", "-1"}),
              HasSubstr("-1 is below 0"));
  app_.clear();
  EXPECT_EQ(Parse({"ingest", "f", "--max-bad", "7", "--offset=-1"}), "");
  EXPECT_EQ(max_bad_, 7u);
  EXPECT_EQ(offset_, -1);
}

TEST_F(CommandLineTest, AUserMayBeNamedLikeACommandOrAnOption) {
  EXPECT_EQ(Parse({"recommend", "ingest"}), "");
  EXPECT_EQ(user_, "ingest");
  app_.clear();
  EXPECT_EQ(Parse({"recommend", "--", "--user"}), "");
  EXPECT_EQ(user_, "--user");
}

TEST_F(CommandLineTest, DidYouMean) {
  const struct {
    std::vector<std::string> words;
    const char* text;
  } cases[] = {
      {{"inegst", "f"}, "unknown command \"inegst\"; did you mean ingest?"},
      {{"--json", "recomend"}, "did you mean recommend?"},
      {{"erase", "item", "x"},
       "unknown command \"item\"; did you mean items?\nSee `tauctl erase "
       "--help`"},
      {{"recommend", "--exlude", "x"},
       "unknown option --exlude; did you mean --exclude?"},
      {{"recommend", "--jsno"}, "unknown option --jsno; did you mean --json?"},
      {{"recommend", "--contxt=x"}, "did you mean --context?"},
      {{"frobnicate"}, "unknown command \"frobnicate\"\n"},
  };
  for (const auto& c : cases) {
    app_.clear();
    EXPECT_THAT(Parse(c.words), HasSubstr(c.text));
  }
}

TEST_F(CommandLineTest, ErrorsAreInert) {
  const std::string text = Parse({"\x1b[2J"});
  EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  app_.clear();
  EXPECT_THAT(Parse({"recommend", "-k", "\x1b[2J"}), Not(HasSubstr("\x1b")));
}

TEST(NearestTest, AFewSlips) {
  const std::vector<std::string> names = {"ingest", "items", "status",
                                          "snapshots", "recommend"};
  EXPECT_EQ(Nearest("ingset", names), "ingest");
  EXPECT_EQ(Nearest("snap", names), "snapshots");
  EXPECT_EQ(Nearest("stats", names), "status");
  EXPECT_EQ(Nearest("delete", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(100000, 'x'), names), "");
}

TEST(ConfirmTest, WhatCannotBeUndoneIsAskedFor) {
  const struct {
    bool yes;
    bool terminal;
    const char* answer;
    absl::StatusCode code;
  } cases[] = {
      {true, false, "", absl::StatusCode::kOk},
      {true, true, "n", absl::StatusCode::kOk},
      {false, false, "y", absl::StatusCode::kFailedPrecondition},
      {false, true, "y\n", absl::StatusCode::kOk},
      {false, true, " YES \n", absl::StatusCode::kOk},
      {false, true, "\n", absl::StatusCode::kCancelled},
      {false, true, "", absl::StatusCode::kCancelled},
      {false, true, "nay\n", absl::StatusCode::kCancelled},
  };
  for (const auto& c : cases) {
    std::istringstream in(c.answer);
    std::ostringstream out;
    const absl::Status status =
        ConfirmOn("it is gone\x1b", c.yes, c.terminal, in, out);
    EXPECT_EQ(status.code(), c.code) << c.yes << c.terminal << c.answer;
    EXPECT_EQ(out.str().empty(), c.yes || !c.terminal);
    EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
  }
}

}  // namespace
}  // namespace taud::cli
