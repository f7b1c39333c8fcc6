#include "model/expression.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ExpressionTest, WhatIsWrongIsSaidWithItsPlace) {
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {"",
       "character 1: expected the name of a property, `not` or `(`, found "
       "the end"},
      {"price <",
       "character 8: expected a number, a text in quotes, true or "
       "false, found the end"},
      {"price < ]",
       "character 9: expected a number, a text in quotes, true or "
       "false, found `]`"},
      {"price 20",
       "character 7: expected ==, !=, <, <=, >, >=, in or `not "
       "in`, found `20`"},
      {"price < 20 genre in [\"a\"]",
       "character 12: expected `and`, `or` or the end, found `genre`"},
      {"(price < 20",
       "character 12: expected `)`, `and` or `or`, found the "
       "end"},
      {"price < 20)",
       "character 11: expected `and`, `or` or the end, found "
       "`)`"},
      {"name == \"ä",
       "character 9: the text that begins here has no closing "
       "\""},
      {"\"ä\" == 3",
       "character 1: expected the name of a property, `not` or "
       "`(`, found `\"ä\"`"},
      {"ort == \"ä\" 3",
       "character 12: expected `and`, `or` or the end, found "
       "`3`"},
      {"genre in [\"a\" \"b\"]", "character 15: expected `,` or `]`"},
      {"genre in \"a\"", "character 13: expected `..`, found the end"},
      {"price in 1..", "character 13: expected a number"},
      {"genre not [1]", "character 11: expected `in`, found `[`"},
      {"price == 1x", "character 10: expected a number, found `1x`"},
      {"price == 1e999", "character 10: expected a number, found `1e999`"},
      {"exists price", "character 8: expected `(`, found `price`"},
      {"tags", "character 5: expected =="},
      {"and == 3", "character 1: expected the name of a property"},
      {"price € 3",
       "character 7: expected ==, !=, <, <=, >, >=, in or `not "
       "in`, found `€`"},
      {std::string("a == \"\0", 7), "no closing"},
      {"a == \"\xff\"", "is not UTF-8"},
      {std::string(5000, 'a'), "has 5000 bytes; at most 4096"},
  };
  for (const auto& c : cases) {
    const auto parsed = ParseExpression(c.text);
    ASSERT_FALSE(parsed.ok()) << c.text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(c.error))
        << c.text;
  }
}

TEST(ExpressionTest, HasLimits) {
  const auto nested = [](size_t levels) {
    return std::string(levels, '(') + "a" + std::string(levels, ')');
  };
  EXPECT_TRUE(ParseExpression(nested(kMaxExpressionDepth - 1)).ok());
  EXPECT_THAT(
      std::string(
          ParseExpression(nested(kMaxExpressionDepth)).status().message()),
      HasSubstr("more than 32 levels"));
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "not ";
  EXPECT_FALSE(ParseExpression(nots + "a").ok());
  std::string terms = "a";
  for (size_t t = 1; t < kMaxExpressionTerms; ++t) terms += " or a";
  EXPECT_TRUE(ParseExpression(terms).ok());
  EXPECT_THAT(std::string(ParseExpression(terms + " or a").status().message()),
              HasSubstr("more than 64 comparisons"));
  std::string values = "a in [1";
  for (size_t v = 1; v < kMaxExpressionValues; ++v) values += ",1";
  EXPECT_TRUE(ParseExpression(values + "]").ok());
  EXPECT_THAT(std::string(ParseExpression(values + ",1]").status().message()),
              HasSubstr("more than 1000 values"));
}

TEST(ExpressionTest, BindsAsItReads) {
  const auto parsed = ParseExpression("a or b and not c == 'it\\'s' OR d");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->kind, Expression::Kind::kOr);
  ASSERT_EQ(parsed->children.size(), 3u);
  EXPECT_EQ(parsed->children[0].term.op, Term::Op::kIsTrue);
  const Expression& both = parsed->children[1];
  ASSERT_EQ(both.kind, Expression::Kind::kAnd);
  ASSERT_EQ(both.children[1].kind, Expression::Kind::kNot);
  const Term& term = both.children[1].children[0].term;
  EXPECT_EQ(term.property, "c");
  EXPECT_EQ(term.values[0].text, "it's");
  const auto range = ParseExpression("x in -1.5..20");
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->term.op, Term::Op::kRange);
  EXPECT_EQ(range->term.values[0].number, -1.5);
  EXPECT_EQ(range->term.values[1].number, 20);
}

TEST(ExpressionTest, SaysWhatItNames) {
  const auto parsed =
      ParseExpression("b < 3 and a and tags in ['y', 'x'] and b > 1");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::vector<std::string> properties;
  std::vector<std::string> tags;
  CollectNames(*parsed, &properties, &tags);
  EXPECT_THAT(properties, ElementsAre("a", "b"));
  EXPECT_THAT(tags, ElementsAre("x", "y"));
}

}  // namespace
}  // namespace taud::model
